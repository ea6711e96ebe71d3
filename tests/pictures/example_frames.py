"""A short night of the fake camera with its result."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aurorapt.images.preprocess import Preprocessor
from aurorapt.pictures.night_data import read_one_night
from aurorapt.pictures.night_frames import NightFrames, open_night_frames
from aurorapt.themis import CLASSES
from tests.fake_camera import CADENCE, frame_bytes, header, image, write_minute
from tests.science.example_nights import write_file

START = datetime(2014, 3, 10, 6, 0)
WHOLE_SKY = Preprocessor(np.ones((256, 256), np.uint8))


def rows_of(labels: Sequence[str], start: datetime = START, confidences: Sequence[float] = ()) -> list[str]:
    """Give rows 3 s apart; none where a label is empty."""
    values = confidences or [0.75] * len(labels)
    return [
        f"{start + number * CADENCE:%Y%m%d,%H:%M:%S},{CLASSES.index(label)},{label},{value}"
        for number, (label, value) in enumerate(zip(labels, values, strict=True))
        if label
    ]


def write_night(folder: Path, rows: list[str], minutes: Sequence[int] = (0, 1, 2), frames: int = 20) -> Path:
    """Write minutes of gill from 6:00 on below ``stream0``, and their classification file, whose path is given."""
    for minute in minutes:
        write_minute(folder / "stream0", START + timedelta(minutes=minute), frames)
    return write_file(folder / "20140310_gill_themis_classifications.txt", rows)


def write_early_night(folder: Path, confidences: Sequence[float] = ()) -> Path:
    """Write three minutes whose first frames are of the second before their minute, as a clock may have it."""
    early = timedelta(milliseconds=20)
    for number in range(3):
        minute = START + timedelta(minutes=number)
        times = [minute - early + place * CADENCE for place in range(20)]
        write_minute(folder / "stream0", minute, [frame_bytes(header(time), image(number)) for time in times])
    rows = rows_of(["pulsating"] * 60, START - timedelta(seconds=1), confidences)
    return write_file(folder / "20140310_gill_themis_classifications.txt", rows)


def open_night(csv_file: Path, stream0: Path) -> NightFrames:
    return open_night_frames(stream0, read_one_night(csv_file, _refuse))


def _refuse(path: Path, reason: str) -> None:
    raise AssertionError(f"{path}: {reason}")


def edge_marked(row: slice, column: slice) -> NDArray[np.uint16]:
    """(256, 256) uint16 [y, x]: a dim sky that is bright at one edge."""
    rng = np.random.default_rng(0)
    pixels = rng.normal(3500, 20, (256, 256))
    pixels[row, column] += 20000
    return pixels.astype(np.uint16)
