"""Keograms small enough for a page of thousands of nights, made from some of a night's minute files."""

import base64
import io
import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aurorapt.archive.camera_nights import CameraNight, camera_nights
from aurorapt.archive.frames import read_minute
from aurorapt.archive.night_listing import MinuteFile, list_minute_files
from aurorapt.errors import ArchiveError
from aurorapt.pictures.keogram import FILE_TIMEOUT, MERIDIAN, Keogram, choose_camera
from aurorapt.pictures.report.records import day_of
from aurorapt.pictures.time_bins import TimeBins, choose_bins, minute_of
from aurorapt.science.stretches import NightFile
from aurorapt.themis import FRAME_SIZE

COLUMNS = 240  # of time at most, in each of which one minute file is read: a whole night would take half a minute
SIZES = ((240, 64, 4096), (144, 36, 900), (96, 24, 400))  # width and height in pixels, and most bytes
QUALITIES = (90, 70, 50, 30, 15, 5, 0)  # of WebP, tried in turn
DARKEST, BRIGHTEST = 45, 215  # of 255: neither the light page's white nor the dark one's black, which show in gaps


def find_camera_night(archive: Path, night_file: NightFile) -> CameraNight | None:
    """Find the minute files that a result comes from; None where they are not there, or of several cameras."""
    day = day_of(night_file)
    if day is None:
        return None
    try:
        found = list(camera_nights(archive, day, day, {night_file.site}, lambda problem: None))
    except ArchiveError:
        return None
    return choose_camera(found, night_file.camera)


def thumbnail_key(night: CameraNight) -> str:
    """Tell the minute files of a camera-night from what they may become, without listing them: by their folders."""
    lines = []
    for folder in (night.folder, *sorted(night.folder.glob("ut*"))):
        try:
            lines.append(f"{folder.name}.{folder.stat().st_mtime_ns}")
        except OSError:
            lines.append(folder.name)
    return f"{os.fspath(night.folder.resolve())}|{'|'.join(lines)}"


def make_thumbnails(night: CameraNight, first: int, last: int) -> list[str]:
    """Draw the keogram of a camera-night, north up, in each of `SIZES`.

    Parameters
    ----------
    first, last : seconds since 1970 of the first and the last frame, between which it is drawn, in whole minutes

    Returns
    -------
    each as base64 of WebP, transparent where there are no frames; nothing where no frame can be read
    """
    start, end = (np.datetime64(minute * 60, "s") for minute in (first // 60, last // 60 + 1))
    try:
        keogram = _sample_keogram(night, choose_bins(start, end, COLUMNS))
    except ArchiveError:
        return []
    if not keogram.frames:
        return []
    return [_encode(keogram, start, end, *size) for size in SIZES]


def _sample_keogram(night: CameraNight, bins: TimeBins) -> Keogram:
    """Read one minute file in each bin of time, or the next one there where it has no frame."""
    keogram = Keogram(bins, np.full((FRAME_SIZE, bins.count), np.nan, np.float32))
    for minute_file in list_minute_files(night).minute_files:
        place = _place(minute_file, bins)
        if place < 0 or np.isfinite(keogram.counts[0, place]):
            continue
        minute = read_minute(minute_file, night.site, night.date, FILE_TIMEOUT)
        places = bins.places(np.array(minute.times, "datetime64[us]"))
        for place in np.unique(places[places >= 0]):  # of bins shorter than a minute there are several
            keogram.counts[:, place] = minute.images[places == place][:, :, MERIDIAN].mean(axis=(0, 2))
        keogram.frames += int((places >= 0).sum())
    held = bins.held(np.isfinite(keogram.counts[0]))
    keogram.counts[:, held >= 0] = keogram.counts[:, held[held >= 0]]
    return keogram


def _place(minute_file: MinuteFile, bins: TimeBins) -> int:
    minute = minute_of(minute_file.path)
    return int(bins.places(np.array([minute], "datetime64[s]"))[0]) if minute is not None else -1


def _encode(
    keogram: Keogram, start: np.datetime64, end: np.datetime64, width: int, height: int, most_bytes: int
) -> str:
    dark, bright = keogram.limits()
    seen = np.isfinite(keogram.counts[0])
    with np.errstate(invalid="ignore", divide="ignore"):
        shares = np.log(np.maximum(keogram.counts, 1) / dark) / np.log(bright / dark)
    grey = np.where(seen, DARKEST + np.clip(shares, 0, 1) * (BRIGHTEST - DARKEST), 0)
    columns = _columns(keogram.bins, start, end, width)
    image = Image.fromarray(grey.astype(np.float32)).resize((grey.shape[1], height), Image.Resampling.BOX)
    pixels = np.asarray(image)[:, columns].round().astype(np.uint8)
    opaque = np.broadcast_to(np.where(seen[columns], 255, 0).astype(np.uint8), pixels.shape)
    picture = Image.fromarray(np.dstack([pixels, pixels, pixels, opaque]), "RGBA")
    for quality in QUALITIES:
        content = io.BytesIO()
        picture.save(content, "WEBP", quality=quality, method=6)
        if content.tell() <= most_bytes:
            return base64.b64encode(content.getvalue()).decode("ascii")
    return ""


def _columns(bins: TimeBins, start: np.datetime64, end: np.datetime64, width: int) -> NDArray[np.intp]:
    """Give the bin that each pixel between start and end shows."""
    seconds = (np.arange(width) + 0.5) * ((end - start) / np.timedelta64(1, "s")) / width
    places: NDArray[np.intp] = bins.places(start + np.floor(seconds).astype("timedelta64[s]"))
    return places
