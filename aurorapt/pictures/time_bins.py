"""Time cut into equal bins, in which all panels of a picture are drawn, so that a gap is as wide in each."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aurorapt.archive.names import MINUTE_FILE
from aurorapt.themis import CADENCE

FRAME_SECONDS = int(CADENCE.total_seconds())
LONGEST_STEP = 15  # seconds from one frame to the next that are no gap: up to four frames are missing
LENGTHS = (3, 6, 15, 30, 60, 120, 300, 600)  # seconds; a minute is a whole number of the first five
MOST_BINS = 1440  # a day at one a minute: what a picture's pixels tell apart


@dataclass(frozen=True)
class TimeBins:
    """Equal bins of time, aligned to whole multiples of their length since midnight.

    ``start`` : of the first bin, datetime64[s], UTC
    ``seconds`` : length of a bin
    ``count`` : number of bins
    """

    start: np.datetime64
    seconds: int
    count: int

    @property
    def edges(self) -> NDArray[np.datetime64]:
        """The (count + 1,) times at which bins begin and end, datetime64[s], UTC."""
        edges: NDArray[np.datetime64] = self.start + np.arange(self.count + 1) * np.timedelta64(self.seconds, "s")
        return edges

    @property
    def end(self) -> np.datetime64:
        """Where the last bin ends, datetime64[s], UTC."""
        end: np.datetime64 = self.edges[-1]
        return end

    def places(self, times: NDArray[np.datetime64]) -> NDArray[np.intp]:
        """Give the bin of each of (n,) times; -1 before the first and after the last."""
        seconds = (times.astype("datetime64[s]") - self.start).astype(np.int64)
        places = (seconds // self.seconds).astype(np.intp)
        return np.where((places >= 0) & (places < self.count), places, -1)

    def held(self, filled: NDArray[np.bool_]) -> NDArray[np.intp]:
        """Say which bin's value stands in each bin: its own, or that before it where the camera's clock just jittered.

        Parameters
        ----------
        filled : (count,) whether a bin has a frame

        Returns
        -------
        (count,) places of bins; -1 where there is a gap, and before the first frame and after the last
        """
        last = np.maximum.accumulate(np.where(filled, np.arange(self.count), -1))
        following = np.minimum.accumulate(np.where(filled, np.arange(self.count), self.count)[::-1])[::-1]
        short = (following - last - 1) * self.seconds < LONGEST_STEP
        return np.where(filled | (short & (last >= 0) & (following < self.count)), last, -1)

    def shares(self, times: NDArray[np.datetime64], labels: NDArray[np.intp], classes: int) -> NDArray[np.float64]:
        """Say how large a share of each bin's frames each class has.

        Parameters
        ----------
        times : (n,) datetime64[s], UTC
        labels : (n,) numbers of classes
        classes : how many there are

        Returns
        -------
        (count, classes) float64 [bin, class], 0 to 1, as `held` says; zeros where there is a gap
        """
        places = self.places(times)
        counts = np.zeros((self.count, classes))
        np.add.at(counts, (places[places >= 0], labels[places >= 0]), 1)
        held = self.held(counts.any(axis=1))
        shares: NDArray[np.float64] = counts[held] / np.maximum(counts[held].sum(axis=1, keepdims=True), 1)
        shares[held < 0] = 0
        return shares


def choose_bins(start: np.datetime64, end: np.datetime64, most: int = MOST_BINS) -> TimeBins:
    """Cut a time into the shortest bins of `LENGTHS` that are no more than ``most``.

    Parameters
    ----------
    start, end : UTC; the bins reach from before the first to after the last, by less than one bin
    """
    first, last = (int(time.astype("datetime64[s]").astype(np.int64)) for time in (start, end))
    for seconds in LENGTHS:
        number = first // seconds
        count = max(-(-last // seconds) - number, 1)
        if count <= most:
            break
    return TimeBins(np.datetime64(number * seconds, "s"), seconds, count)


def gaps(times: NDArray[np.datetime64]) -> NDArray[np.datetime64]:
    """Find where frames are missing, to the second.

    Parameters
    ----------
    times : (n,) datetime64[s], ascending

    Returns
    -------
    (gaps, 2) datetime64[s] [gap, start or end]: three seconds after the frame before it, and the frame after it; what
    is at most `LONGEST_STEP` from frame to frame is no gap
    """
    (before,) = np.nonzero(np.diff(times) > np.timedelta64(LONGEST_STEP, "s"))
    return np.stack([times[before] + np.timedelta64(FRAME_SECONDS, "s"), times[before + 1]], axis=1)


def minute_of(file: str | Path) -> np.datetime64 | None:
    """Read the minute, datetime64[m], in a minute file's name; None where it is no such name."""
    match = MINUTE_FILE.fullmatch(Path(file).name)
    try:
        return np.datetime64(datetime.strptime(match["minute"], "%Y%m%d_%H%M"), "m") if match else None
    except ValueError:
        return None


def minutes_of(files: Iterable[str]) -> NDArray[np.datetime64]:
    """Give the minutes of those files that are minute files by their name, each once, ascending, datetime64[m], UTC."""
    found = {minute for minute in map(minute_of, files) if minute is not None}
    return np.array(sorted(found), "datetime64[m]")
