"""Which frames of a night a montage shows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from aurorapt.pictures.night_data import Night
from aurorapt.pictures.night_frames import NightFrame, NightFrames
from aurorapt.themis import CADENCE

APART = 60  # seconds between two of the least certain frames: neighbours look the same


@dataclass(frozen=True)
class Group:
    """Frames that belong together.

    ``name`` : of their class; empty for the least certain ones of any class
    ``rows`` : of the class in the night
    ``frames`` : in order of time; None in place of those of which no file can be read
    """

    name: str
    rows: int
    frames: list[NightFrame | None]


def choose_groups(frames: NightFrames, most: int) -> list[Group]:
    """Choose frames of each class, evenly in time, and the least certain ones; only their minutes are read.

    The frames of a class are cut into as many parts as there are tiles, and the one in the middle of each is shown;
    where it cannot be read, the next to it that can.

    Parameters
    ----------
    most : frames in a group

    Returns
    -------
    one group for each class that the night has, in the order of the classes, and last the least certain frames
    """
    night = frames.night
    finder = _Finder(frames)
    groups = []
    for number, name in enumerate(night.classes):
        (places,) = np.nonzero(night.labels == number)
        parts = np.array_split(places, min(most, len(places))) if len(places) else []
        groups.append(Group(name, len(places), [finder.first(_from_the_middle(part.tolist())) for part in parts]))
    least = sorted(_least_certain(night, finder, most), key=lambda frame: frame.time)
    groups.append(Group("", len(night.times), list(least)))
    return [group for group in groups if group.frames]


def _from_the_middle(part: Sequence[int]) -> list[int]:
    """Put the middle first, and then what is next to it."""
    return sorted(part, key=lambda place: abs(place - part[len(part) // 2]))


def _least_certain(night: Night, finder: "_Finder", most: int) -> Iterator[NightFrame]:
    """Yield frames of lowest confidence, none within `APART` of another."""
    seconds = night.times.astype(np.int64)
    shown: list[int] = []
    for place in np.argsort(night.confidences, kind="stable").tolist():
        if len(shown) == most:
            return
        if all(abs(seconds[place] - seconds[other]) >= APART for other in shown):
            frame = finder.first([place])
            if frame is not None:
                shown.append(place)
                yield frame


class _Finder:
    """Reads the frames of rows, and remembers which minutes give none."""

    def __init__(self, frames: NightFrames) -> None:
        self._frames = frames
        self._minutes = frames.minutes_of_rows()
        # a file's first frame may be of the second before its minute, and its last one of the next minute
        self._minutes_earlier, self._minutes_later = (frames.minutes_of_rows(shift) for shift in (-CADENCE, CADENCE))
        self._empty: set[str] = set()

    def first(self, places: Iterable[int]) -> NightFrame | None:
        """Give the frame of the first of these rows that can be read."""
        by_minute: dict[str, list[int]] = {}
        places = list(places)
        for minutes in (self._minutes, self._minutes_earlier, self._minutes_later):
            for place in places:
                by_minute.setdefault(str(minutes[place]), []).append(place)
        for minute, wanted in by_minute.items():
            if minute in self._empty:
                continue
            found = {frame.place: frame for frame in self._frames.read(minute)}
            if not found:
                self._empty.add(minute)
            for place in wanted:
                if place in found:
                    return found[place]
        return None
