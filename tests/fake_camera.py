"""A deterministic fake camera: minute files with real headers, and every way in which they go wrong."""

import bz2
import functools
import gzip
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

CADENCE = timedelta(seconds=3)
COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    ".pgm": lambda content: content,
    ".pgm.gz": lambda content: gzip.compress(content, 1, mtime=0),
    ".pgm.bz2": lambda content: bz2.compress(content, 1),
}


@functools.lru_cache(maxsize=64)  # the cameras of a test often see the same minute
def image(seed: int) -> NDArray[np.uint16]:
    """(256, 256) uint16 [y, x], read-only: a sky with a gradient, a patch and noise, at the level of real counts."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:256, :256]
    centre = rng.uniform(60, 200, 2)
    patch = 3000 * np.exp(-((y - centre[0]) ** 2 + (x - centre[1]) ** 2) / rng.uniform(200, 2000))
    sky = 3400 + 4 * x + 2 * y + patch + rng.normal(0, 40, (256, 256))
    pixels = sky.clip(0, 65535).astype(np.uint16)
    pixels.flags.writeable = False
    return pixels


def header(time: datetime, site: str = "gill", device: str = "themis19") -> list[bytes]:
    """Lines of one frame's header, in the order in which the camera writes them."""
    readout = time + timedelta(microseconds=985_074)
    lines = [
        "P5",
        '#"Revised" 2006-05-22',
        '#"Project unique ID" themis-gbo',
        f'#"Site unique ID" {site}',
        f'#"Imager unique ID" {device}',
        '#"Ccd background" 3300',
        '#"Mode unique ID" full',
        f'#"Image request start" {time:%Y-%m-%d %H:%M:%S.%f} UTC',
        f'#"Image readout start" {readout:%Y-%m-%d %H:%M:%S.%f} UTC',
        '#"Exposure plus initial readout"    985.07 ms',
        "256 256",
        "65535",
    ]
    return [line.encode() for line in lines]


def without(lines: Sequence[bytes], key: str) -> list[bytes]:
    """Header lines less those of one key."""
    return [line for line in lines if not line.startswith(f'#"{key}"'.encode())]


def frame_bytes(lines: Sequence[bytes], pixels: NDArray[np.uint16]) -> bytes:
    """One frame as it stands in a minute file."""
    return b"\n".join(lines) + b"\n" + pixels.astype(">u2").tobytes()


def frame_times(minute: datetime, frames: int = 20) -> list[datetime]:
    """Give the times of a minute's frames, with the microseconds that real ones have."""
    return [minute + number * CADENCE + timedelta(microseconds=20_000 + 1_700 * number) for number in range(frames)]


def minute_frames(minute: datetime, frames: int = 20, site: str = "gill", device: str = "themis19") -> list[bytes]:
    """Frames of one minute, each as it stands in the file; pixels depend on the minute and the frame's number."""
    seed = (minute - datetime(2000, 1, 1)) // timedelta(minutes=1) * 100
    return [
        frame_bytes(header(time, site, device), image(seed + number))
        for number, time in enumerate(frame_times(minute, frames))
    ]


def minute_path(stream0: Path, minute: datetime, site: str = "gill", device: str = "themis19") -> Path:
    """Where the archive keeps a minute, without the ending."""
    folder = stream0 / f"{minute:%Y/%m/%d}" / f"{site}_{device}" / f"ut{minute:%H}"
    return folder / f"{minute:%Y%m%d_%H%M}_{site}_{device}_full"


def write_minute(
    stream0: Path,
    minute: datetime,
    frames: Sequence[bytes] | int = 20,
    *,
    site: str = "gill",
    device: str = "themis19",
    ending: str = ".pgm.gz",
) -> Path:
    """Write one minute file below ``stream0`` and return its path; ``frames`` are a number or their bytes."""
    if isinstance(frames, int):
        frames = minute_frames(minute, frames, site, device)
    path = minute_path(stream0, minute, site, device)
    path = path.with_name(path.name + ending)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(COMPRESSORS[ending](b"".join(frames)))
    return path
