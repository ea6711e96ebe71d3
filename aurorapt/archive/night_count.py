"""How many camera-nights a range has, found from the names of folders alone, long before the walk gets there."""

import os
import re
from collections.abc import Collection, Iterator
from datetime import date
from pathlib import Path

from aurorapt.archive.flat_archive import FlatArchive, is_flat
from aurorapt.archive.names import CAMERA_FOLDER


def count_camera_nights(archive: Path, start: date, end: date, sites: Collection[str] = ()) -> Iterator[int]:
    """Count the camera folders of each day that there is; what cannot be listed counts as nothing.

    Parameters
    ----------
    archive : folder that holds the years, or the sites, as `aurorapt.archive.camera_nights.find_archive` gives it
    start, end : first and last UT date, both included
    sites : site names, lower case; all sites where empty

    Yields
    ------
    int
        For one day after another; a range of ten years takes no more memory than a day. At once where there are sites.
    """
    if is_flat(archive):
        yield FlatArchive(archive).count(start, end, sites)
        return
    for year in _numbers_in(archive, r"\d{4}"):
        if start.year <= int(year) <= end.year:
            for month in _numbers_in(archive / year, r"\d\d"):
                if (start.year, start.month) <= (int(year), int(month)) <= (end.year, end.month):
                    for day in _numbers_in(archive / year / month, r"\d\d"):
                        if f"{start:%Y%m%d}" <= f"{year}{month}{day}" <= f"{end:%Y%m%d}":
                            yield _count_cameras(archive / year / month / day, sites)


def _numbers_in(folder: Path, pattern: str) -> list[str]:
    return sorted(name for name in _names_in(folder) if re.fullmatch(pattern, name, re.ASCII))


def _count_cameras(folder: Path, sites: Collection[str]) -> int:
    cameras = [CAMERA_FOLDER.fullmatch(name) for name in _names_in(folder)]
    return sum(1 for camera in cameras if camera and (not sites or camera["site"].lower() in sites))


def _names_in(folder: Path) -> list[str]:
    try:
        return os.listdir(folder)
    except OSError:
        return []
