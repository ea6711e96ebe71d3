"""Minute files that are named one by one: what their names say, which of them are the same minute, and their frames."""

import os
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aurorapt.archive.camera_nights import Problem
from aurorapt.archive.frames import read_minute
from aurorapt.archive.names import MINUTE_FILE
from aurorapt.archive.night_listing import MinuteFile, minute_of_copies
from aurorapt.errors import OptionError, counted

EXAMPLE = "20140310_0600_gill_themis19_full.pgm.gz"


class NamedMinute(NamedTuple):
    """A minute file, the camera that its name says, such as gill_themis19, and the UT date."""

    minute_file: MinuteFile
    camera: str
    day: date

    @property
    def site(self) -> str:
        """The site that the name says."""
        return self.camera.partition("_")[0]


def named_minutes(paths: Iterable[str | os.PathLike[str]]) -> list[NamedMinute]:
    """Tell minutes by the names of their files, before any is read.

    Parameters
    ----------
    paths : of minute files; of one minute there may be several, in other compressions, which are read once as a run
        reads them

    Returns
    -------
    list of NamedMinute
        In the order in which they are named first.

    Raises
    ------
    OptionError
        If one has no name of a minute file.
    """
    copies: dict[str, dict[Path, None]] = {}
    for path in map(Path, paths):
        match = MINUTE_FILE.fullmatch(path.name)
        if match is None or _day_of(match["minute"]) is None:
            raise OptionError(f"{path} is no minute file by its name; give files such as {EXAMPLE}")
        copies.setdefault(match["name"].lower(), {})[path] = None
    return [_named(name, list(found)) for name, found in copies.items()]


def _named(name: str, paths: list[Path]) -> NamedMinute:
    match = MINUTE_FILE.fullmatch(f"{name}.pgm")
    assert match is not None
    day = _day_of(match["minute"])
    assert day is not None
    return NamedMinute(minute_of_copies(paths), match["camera"], day)


def _day_of(minute: str) -> date | None:
    try:
        return datetime.strptime(minute, "%Y%m%d_%H%M").date()
    except ValueError:
        return None


class MinutesInTurn:
    """Minute files that are read one after another, and what belongs to their frames.

    Attributes
    ----------
    problems : of the files read so far
    """

    def __init__(self, named: Sequence[NamedMinute]) -> None:
        self.named = named
        self.problems: list[Problem] = []
        self._cameras: list[str] = []
        self._files: list[str] = []
        self._times: list[datetime] = []

    def read(self) -> Iterator[NDArray[np.uint16]]:
        """Yield the frames of one minute after another, as `aurorapt.archive.frames.Minute` holds them."""
        for named in self.named:
            minute = read_minute(named.minute_file, named.site, named.day)
            self.problems += minute.problems
            self._times += minute.times
            self._cameras += [named.camera] * len(minute.times)
            self._files += [minute.path] * len(minute.times)
            yield minute.images

    def report_not_finite(self, sound: NDArray[np.bool_]) -> None:
        """Make frames without probabilities problems, one a file."""
        for file, count in Counter(file for file, good in zip(self._files, sound, strict=True) if not good).items():
            reason = f"the network returned NaN or infinity for {counted(count, 'frame')}"
            self.problems.append(Problem(file, reason, count=count))

    def columns(self) -> tuple[tuple[list[Any], str], ...]:
        """Give cameras, files and times of the frames read so far, and the dtype of each."""
        return (self._cameras, "object"), (self._files, "object"), (self._times, "datetime64[us]")
