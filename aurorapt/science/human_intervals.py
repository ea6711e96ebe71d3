"""Intervals that a human marked: a CSV with columns date, site, start, end, class and, optionally, confidence."""

import csv
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aurorapt.errors import ResultsError

COLUMNS = {"date", "site", "start", "end", "class"}
DOUBTFUL = "doubtful"  # what the column confidence says of an interval that the human was not sure of
UNLABELLED = -1


@dataclass(frozen=True)
class Interval:
    """From the first frame to the last, both included: seconds since 1970."""

    start: int
    end: int
    class_name: str
    doubtful: bool


def is_human_intervals(path: Path) -> bool:
    """Say whether a file begins like one of human intervals."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return set(file.readline().strip().split(",")) >= COLUMNS
    except OSError:
        return False


def read_human_intervals(path: Path) -> dict[tuple[str, str], list[Interval]]:
    """Read the intervals of each (date, site), the date as YYYYMMDD.

    Raises
    ------
    ResultsError
        If it cannot be read, or a line is no interval.
    """
    nights: dict[tuple[str, str], list[Interval]] = {}
    try:
        with path.open(encoding="utf-8", newline="") as file:
            for number, row in enumerate(csv.DictReader(file), start=2):
                try:
                    nights.setdefault((row["date"], row["site"]), []).append(_interval(row))
                except (ValueError, TypeError, KeyError):
                    raise ResultsError(f"{path}, line {number}: expected date,site,start,end,class") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ResultsError(f"cannot read {path}: {error}") from None
    return nights


def _interval(row: dict[str, str]) -> Interval:
    start, end = (_seconds(row[name]) for name in ("start", "end"))
    if end < start or not row["class"]:
        raise ValueError
    return Interval(start, end, row["class"], row.get("confidence") == DOUBTFUL)


def _seconds(text: str) -> int:
    time = datetime.fromisoformat(text.removesuffix("Z"))
    return int(np.datetime64(time, "s").astype(np.int64))


def label_frames(
    intervals: list[Interval], seconds: NDArray[np.int64], classes: list[str]
) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Give each frame the class of the interval it lies in.

    Parameters
    ----------
    seconds : (n,) times
    classes : class names, to which those are added that are not among them

    Returns
    -------
    (n,) places in ``classes``, `UNLABELLED` where no interval is, and (n,) whether that is doubtful
    """
    labels = np.full(len(seconds), UNLABELLED, np.intp)
    doubtful = np.zeros(len(seconds), np.bool_)
    for interval in intervals:
        if interval.class_name not in classes:
            classes.append(interval.class_name)
        within = (seconds >= interval.start) & (seconds <= interval.end)
        labels[within] = classes.index(interval.class_name)
        doubtful[within] = interval.doubtful
    return labels, doubtful
