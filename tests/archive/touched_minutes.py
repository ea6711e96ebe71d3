"""Minute files of which only the names count."""

from datetime import date, datetime
from pathlib import Path

from aurorapt.archive.camera_nights import CameraNight, camera_nights
from tests.fake_camera import minute_path

DAY = date(2014, 3, 10)


def touch_minute(stream0: Path, hour: int, minute: int, ending: str = ".pgm.gz", **camera: str) -> Path:
    path = minute_path(stream0, datetime(2014, 3, 10, hour, minute), **camera)
    path = path.with_name(path.name + ending)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"content")
    return path


def night_of(stream0: Path) -> CameraNight:
    (night,) = camera_nights(stream0, DAY, DAY)
    return night
