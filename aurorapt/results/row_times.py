"""Dates and times of rows, read all at once."""

import numpy as np
from numpy.typing import NDArray


def parse_times(dates: NDArray[np.bytes_], times: NDArray[np.bytes_]) -> NDArray[np.datetime64]:
    """Read (n,) dates YYYYMMDD and times HH:MM:SS as datetime64[s]; numpy's own reader crashes on some wrong ones.

    Raises
    ------
    ValueError
        If there is no such time.
    """
    year, month, day = _numbers(dates, (0, 4), (4, 6), (6, 8))
    hour, minute, second = _numbers(times, (0, 2), (3, 5), (6, 8))
    months = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    sound = (year > 0) & (month >= 1) & (month <= 12) & (days.astype("datetime64[M]") == months)
    sound &= (hour < 24) & (minute < 60) & (second < 60)
    if not sound.all() or (times.astype("S8").view("S1").reshape(-1, 8)[:, [2, 5]] != b":").any():
        raise ValueError("no such time")
    found: NDArray[np.datetime64] = days.astype("datetime64[s]") + (hour * 3600 + minute * 60 + second)
    return found


def _numbers(texts: NDArray[np.bytes_], *places: tuple[int, int]) -> list[NDArray[np.int64]]:
    """Read the numbers that stand in these places of each of (n,) texts."""
    digits = texts.astype("S8").view(np.uint8).reshape(-1, 8).astype(np.int64) - ord("0")
    numbers = []
    for first, end in places:
        if ((digits[:, first:end] < 0) | (digits[:, first:end] > 9)).any():
            raise ValueError("not a digit")
        numbers.append(digits[:, first:end] @ 10 ** np.arange(end - first)[::-1])
    return numbers
