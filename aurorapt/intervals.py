"""Runs of one class in a sequence of frames."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple


class Interval(NamedTuple):
    """Frames next to each other that have one class: ``first`` and ``last`` are their places in the sequence."""

    first: int
    last: int
    name: str


def intervals_of_one_class(
    times: Sequence[datetime], classes: Sequence[str], longest_gap: timedelta
) -> Iterator[Interval]:
    """Cut a sequence of frames where the class changes, and at gaps.

    Parameters
    ----------
    times : n times, ascending
    classes : n class names
    longest_gap : between two frames of one interval

    Yields
    ------
    Interval
        In order; together they hold each frame once.
    """
    first = 0
    for place in range(1, len(times) + 1):
        ends = place == len(times) or classes[place] != classes[first]
        if ends or times[place] - times[place - 1] > longest_gap:
            yield Interval(first, place - 1, classes[first])
            first = place
