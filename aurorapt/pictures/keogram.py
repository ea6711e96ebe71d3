"""Keograms: the meridian of every frame of a camera-night side by side, from the raw counts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aurorapt.archive.camera_nights import CameraNight, Problem, camera_nights, find_archive
from aurorapt.archive.frames import read_minute
from aurorapt.archive.night_listing import MinuteFile, list_minute_files
from aurorapt.errors import ArchiveError
from aurorapt.pictures.night_data import Night
from aurorapt.pictures.time_bins import TimeBins, minute_of, minutes_of
from aurorapt.themis import FRAME_SIZE

UNNUMBERED = "themis"
FILE_TIMEOUT = 60.0  # seconds after which to give up on a file
MERIDIAN = slice(FRAME_SIZE // 2 - 1, FRAME_SIZE // 2 + 1)  # the two columns beside the middle of the image
# as asilib scales what it draws: these shares of the pixels, and no more than ten times from dark to bright
DARK_QUANTILE, BRIGHT_QUANTILE, MOST_CONTRAST = 0.25, 0.98, 10


@dataclass
class Keogram:
    """The meridian in time.

    ``bins`` : of time
    ``counts`` : (256, bins) float32 [y, time], raw counts, mean over the frames of each bin; row 0 is the northern
        edge; NaN where there is no frame
    ``frames`` : how many were read
    ``problems`` : files that could not be used, and why
    """

    bins: TimeBins
    counts: NDArray[np.float32]
    frames: int = 0
    problems: list[Problem] = field(default_factory=list)

    @property
    def problem_minutes(self) -> NDArray[np.datetime64]:
        """The minutes, datetime64[m], ascending, UTC, whose file could not be used, or not all of it."""
        return minutes_of(problem.file for problem in self.problems)

    def limits(self, rows: NDArray[np.bool_] | None = None) -> tuple[float, float]:
        """Give the counts that are drawn darkest and brightest, as asilib chooses them.

        Parameters
        ----------
        rows : (256,) which rows count; all where None

        Returns
        -------
        counts that a quarter of the pixels are below, and that 98 % are below but at most ten times the first; 1 and 10
        where there is no frame
        """
        counts = self.counts if rows is None else self.counts[rows]
        seen = counts[np.isfinite(counts)]
        if not len(seen):
            return 1.0, float(MOST_CONTRAST)
        dark, bright = np.quantile(seen, (DARK_QUANTILE, BRIGHT_QUANTILE))
        dark = max(float(dark), 1.0)  # the scale is logarithmic
        return dark, max(min(float(bright), MOST_CONTRAST * dark), dark * 1.001)


def find_frames(night: Night, stream0: Path) -> CameraNight:
    """Find the minute files that a result came from.

    Parameters
    ----------
    stream0 : archive, the folder that holds the years

    Raises
    ------
    ArchiveError
        If the archive cannot be read, or does not hold this camera on this date.
    """
    if night.date is None:
        raise ArchiveError(
            f"{night.night_file.result.csv_file}: its name says no date and site to look for in {stream0}"
        )
    found = list(camera_nights(find_archive(stream0), night.date, night.date, {night.site}))
    own = choose_camera(found, night.camera)
    if own is None:
        names = " and ".join(camera.camera for camera in found) or "no camera of the site"
        raise ArchiveError(f"{stream0} holds {names} on {night.date}; {night.camera} is looked for")
    return own


def choose_camera(found: list[CameraNight], camera: str) -> CameraNight | None:
    """Choose the camera of a result among those of its site and date; None where it is not clear which one it is.

    Parameters
    ----------
    camera : such as gill_themis19; results of the original, and copies of the archive, may leave out the number
    """
    own = [night for night in found if night.camera.lower() == camera]
    own = own or [night for night in found if UNNUMBERED in (night.device, camera.partition("_")[2])]
    return own[0] if len(own) == 1 else None


def read_keogram(
    night: CameraNight,
    bins: TimeBins,
    salvage: bool = False,
    file_timeout: float | None = FILE_TIMEOUT,
    on_minute: Callable[[], None] = lambda: None,
) -> Keogram:
    """Read the meridian of each frame of a camera-night; no more than one minute file is held in memory.

    Parameters
    ----------
    night : of a stream0 archive, as `aurorapt.archive.camera_nights.camera_nights` gives it
    bins : of time, within which frames are averaged; minute files that lie outside are not read
    salvage, file_timeout : as `aurorapt.archive.frames.read_minute` takes them
    on_minute : called after each minute file

    Raises
    ------
    ArchiveError
        If the camera folder cannot be listed. A file that cannot be read is one of the keogram's problems.
    """
    listing = list_minute_files(night)
    keogram = Keogram(bins, np.full((FRAME_SIZE, bins.count), np.nan, np.float32), problems=list(listing.problems))
    sums, frames = np.zeros((bins.count, FRAME_SIZE)), np.zeros(bins.count, np.int64)
    for minute_file in _within(listing.minute_files, bins):
        minute = read_minute(minute_file, night.site, night.date, file_timeout, salvage)
        keogram.problems += minute.problems
        places = bins.places(np.array(minute.times, "datetime64[us]"))
        meridians = minute.images[:, :, MERIDIAN].mean(axis=2)
        np.add.at(sums, places[places >= 0], meridians[places >= 0])
        np.add.at(frames, places[places >= 0], 1)
        on_minute()
    keogram.frames = int(frames.sum())
    held = bins.held(frames > 0)
    there = held >= 0
    keogram.counts[:, there] = (sums[held[there]] / frames[held[there], None]).T
    return keogram


def _within(minute_files: list[MinuteFile], bins: TimeBins) -> Iterator[MinuteFile]:
    """Yield the minute files of which a frame may lie in the bins; those whose name is no time are read too."""
    for minute_file in minute_files:
        minute = minute_of(minute_file.path)
        if minute is None or (bins.start - np.timedelta64(2, "m") < minute < bins.end + np.timedelta64(1, "m")):
            yield minute_file
