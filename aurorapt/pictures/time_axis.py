"""Axes of time: UT with its date below, magnetic local time above, magnetic midnight marked."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aurorapt.science.magnetic_time import magnetic_local_time

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MINUTE = np.timedelta64(60, "s")
STEPS_UT = (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600)  # seconds
STEPS_MLT = (1 / 60, 1 / 30, 1 / 12, 1 / 6, 0.25, 0.5, 1, 2, 3, 6)  # hours


def date_numbers(times: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Give (n,) times as matplotlib counts them: days since 1970."""
    return times.astype("datetime64[s]").astype(np.float64) / 86400


def label_ut(axes: "Axes", start: np.datetime64, end: np.datetime64, most: int, labels: bool = True) -> None:
    """Set the limits and ticks of an axis of time, whose label names the date.

    Parameters
    ----------
    start, end : datetime64[s], UTC
    most : number of ticks at most
    labels : whether to write times and date below
    """
    axes.set_xlim(*date_numbers(np.array([start, end])))
    first, last = start.astype(np.int64), end.astype(np.int64)
    step = next((step for step in STEPS_UT if (last - first) // step < most), STEPS_UT[-1])
    seconds = np.arange(-(-first // step) * step, last + 1, step)
    times = seconds.astype("datetime64[s]")
    axes.set_xticks(date_numbers(times))
    if not labels:
        axes.tick_params(bottom=False, labelbottom=False)
        return
    length = 8 if step < 60 else 5  # of the text HH:MM:SS
    axes.set_xticklabels([str(time)[11 : 11 + length] for time in times])
    first_date, last_date = str(start)[:10], str(end - np.timedelta64(1, "s"))[:10]
    axes.set_xlabel(f"UT, {first_date}" + (f" to {last_date}" if last_date != first_date else ""))


def label_mlt(axes: "Axes", site: str, start: np.datetime64, end: np.datetime64, most: int) -> None:
    """Write the magnetic local time of a site above an axis; nothing where the site is not known.

    Parameters
    ----------
    start, end : the axis's limits, datetime64[s], UTC
    most : number of ticks at most
    """
    times, hours = _magnetic_hours(site, start, end)
    if np.isnan(hours).any():
        return
    step = next((step for step in STEPS_MLT if (hours[-1] - hours[0]) / step < most), STEPS_MLT[-1])
    numbers = np.arange(np.ceil(hours[0] / step), np.floor(hours[-1] / step) + 1)
    upper = axes.secondary_xaxis("top")
    upper.set_xticks(date_numbers(_times_at(numbers * step, times, hours)))
    minutes = np.rint(numbers * step * 60).astype(int) % 1440
    whole = step >= 1
    upper.set_xticklabels(
        [f"{minute // 60:d}" if whole else f"{minute // 60:d}:{minute % 60:02d}" for minute in minutes]
    )
    upper.set_xlabel("magnetic local time (h)" + (", dashed: midnight" if len(_midnights(times, hours)) else ""))


def magnetic_midnights(site: str, start: np.datetime64, end: np.datetime64) -> NDArray[np.datetime64]:
    """Give the magnetic midnights of a site in a time, datetime64[s], UTC; none where the site is not known."""
    times, hours = _magnetic_hours(site, start, end)
    return np.empty(0, "datetime64[s]") if np.isnan(hours).any() else _midnights(times, hours)


def _magnetic_hours(
    site: str, start: np.datetime64, end: np.datetime64
) -> tuple[NDArray[np.datetime64], NDArray[np.float64]]:
    """Give times, and the hours of magnetic local time there, which go on beyond 24."""
    times = np.append(np.arange(start, end, MINUTE), end)
    hours: NDArray[np.float64] = np.unwrap(magnetic_local_time(site, times), period=24)
    return times, hours


def _midnights(times: NDArray[np.datetime64], hours: NDArray[np.float64]) -> NDArray[np.datetime64]:
    return _times_at(np.arange(np.ceil(hours[0] / 24), np.floor(hours[-1] / 24) + 1) * 24.0, times, hours)


def _times_at(
    wanted: NDArray[np.float64], times: NDArray[np.datetime64], hours: NDArray[np.float64]
) -> NDArray[np.datetime64]:
    seconds = np.interp(wanted, hours, times.astype(np.int64))
    return np.rint(seconds).astype(np.int64).astype("datetime64[s]")
