"""An archive at a glance: sites by dates, pulsating minutes over hours observed."""

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aurorapt import __version__
from aurorapt.errors import counted
from aurorapt.pictures.captions import (
    LINE,
    NOT_FOR_SCIENCE,
    TITLE_LINE,
    Note,
    note_lines,
    title_lines,
    write_notes,
    write_title,
)
from aurorapt.pictures.figures import FULL_WIDTH, check_width, new_figure, style
from aurorapt.pictures.night_plot import WIDE
from aurorapt.pictures.time_axis import date_numbers
from aurorapt.pictures.tree_data import Overview, site_latitude

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PERIODS = ("night", "week", "month")
MOST_CELLS = 260  # beside each other: more than twenty years of months
ROW, HOURS_SHARE = 6.0, 0.3  # mm a site, and the share of it that shows the hours observed
LEFT, RIGHT = 19, 6  # mm
BELOW_BARS = 12.5  # mm, with room for their numbers and names
MINUTES_COLOURS = "viridis"  # dark is observed without pulsating aurora; white is no data
FAINTEST_GREY = 0.2  # of the hours, so that few are not none


def choose_period(first: date, last: date) -> str:
    """Give the shortest of `PERIODS` of which no more than `MOST_CELLS` lie between two dates."""
    days = (last - first).days + 1
    return next((name for name, length in zip(PERIODS, (1, 7), strict=False) if days / length <= MOST_CELLS), "month")


def period_starts(first: date, last: date, period: str) -> NDArray[np.datetime64]:
    """Give the dates on which periods begin, and that on which the last one ends, datetime64[D]."""
    if period == "month":
        months = np.arange(np.datetime64(first, "M"), np.datetime64(last, "M") + np.timedelta64(2, "M"))
        return months.astype("datetime64[D]")
    length = 7 if period == "week" else 1
    start = first - timedelta(days=first.weekday()) if period == "week" else first
    count = (last - start).days // length + 1
    starts: NDArray[np.datetime64] = np.datetime64(start, "D") + length * np.arange(count + 1)
    return starts


def cells(overview: Overview, starts: NDArray[np.datetime64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum up pulsating minutes and hours observed.

    Parameters
    ----------
    starts : (periods + 1,) as `period_starts` gives them

    Returns
    -------
    minutes, hours : (sites, periods) float64 [site, period], NaN where nothing was observed
    """
    minutes, hours = (np.zeros((len(overview.sites), len(starts) - 1)) for _ in range(2))
    for number, site in enumerate(overview.sites):
        nights = overview.nights[site]
        places = np.searchsorted(starts, np.array(list(nights), "datetime64[D]"), side="right") - 1
        np.add.at(minutes[number], places, [night.minutes for night in nights.values()])
        np.add.at(hours[number], places, [night.hours for night in nights.values()])
    nothing = hours == 0
    minutes[nothing], hours[nothing] = np.nan, np.nan
    return minutes, hours


def plot_tree(overview: Overview, width: float = FULL_WIDTH, figure: "Figure | None" = None) -> "Figure":
    """Draw the nights of many sites: expected pulsating minutes, and below them in grey the hours observed.

    Nights are added up by week or month where there are more than `MOST_CELLS` of them. White is no data.

    Parameters
    ----------
    overview : as `aurorapt.pictures.tree_data.read_overview` gives it
    width : mm, of a new figure as printed; no text is smaller than 8 points
    figure : an empty one to draw into; a new one where None

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    OptionError
        If matplotlib is not installed, or the width is too small for the text.
    """
    width = check_width(width, figure)
    first, last = overview.dates
    period = choose_period(first, last)
    starts = period_starts(first, last, period)
    notes = _notes(overview, width)
    title = title_lines(f"Pulsating aurora, {first} to {last}, by {period}", width)
    bars = 9.5 if width >= WIDE else 21  # mm
    bottom = LINE * (2.2 + len(notes)) + bars + BELOW_BARS - 2
    body = ROW * len(overview.sites)
    height = 0.9 * LINE + TITLE_LINE * len(title) + body + bottom
    with style():
        figure = figure or new_figure(width, height)
        place = (LEFT / width, bottom / height, 1 - (LEFT + RIGHT) / width, body / height)
        axes = figure.add_axes(place)
        images = _draw(axes, *cells(overview, starts), starts)
        _label(axes, overview, width)
        _add_bars(figure, images, period, LINE * len(notes) + BELOW_BARS, width, height)
        write_title(figure, title, width, height)
        write_notes(figure, notes, width, height)
    return figure


def _draw(
    axes: "Axes", minutes: NDArray[np.float64], hours: NDArray[np.float64], starts: NDArray[np.datetime64]
) -> list[Any]:
    """Draw each site's row in two strips: the minutes above, the hours below."""
    import matplotlib
    from matplotlib.colors import LinearSegmentedColormap

    greys = LinearSegmentedColormap.from_list(
        "hours", matplotlib.colormaps["Greys"](np.linspace(FAINTEST_GREY, 0.9, 64))
    )
    edges = date_numbers(starts)
    looks = (
        (minutes, MINUTES_COLOURS, 0.06, 1 - HOURS_SHARE, max(float(np.nanmax(minutes)), 1e-9)),
        (hours, greys, 1 - HOURS_SHARE, 0.94, float(np.nanmax(hours))),
    )
    images = []
    for values, colours, top, bottom, most in looks:
        for number in range(len(values)):
            strip = np.array([number + top, number + bottom])
            mesh = axes.pcolormesh(edges, strip, values[[number]], cmap=colours, vmin=0, vmax=most, rasterized=True)
        images.append(mesh)
    axes.set_ylim(len(minutes), 0)
    axes.set_xlim(edges[0], edges[-1])
    return images


def _label(axes: "Axes", overview: Overview, width: float) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter

    names = []
    for site in overview.sites:
        latitude = site_latitude(site)
        names.append(site if np.isnan(latitude) else f"{site} {latitude:.0f}°")
    axes.set_yticks(np.arange(len(names)) + 0.5, names)
    axes.tick_params(axis="y", length=0)
    for number in range(1, len(names)):
        axes.axhline(number, color="#D8D8D8", linewidth=0.4)
    locator: Any = AutoDateLocator(minticks=3, maxticks=11 if width >= WIDE else 6)  # type: ignore[no-untyped-call]
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(ConciseDateFormatter(locator))  # type: ignore[no-untyped-call]


def _add_bars(figure: "Figure", images: list[Any], period: str, y: float, width: float, height: float) -> None:
    """Add the two colour bars, beside each other where there is room."""
    names = (f"expected pulsating minutes a {period}", f"hours observed a {period}, white: no data")
    wide = width >= WIDE
    for number, (image, name) in enumerate(zip(images, names, strict=True)):
        left = LEFT + (number * (width - LEFT - RIGHT + 8) / 2 if wide else 0)
        across = (width - LEFT - RIGHT - 8) / 2 if wide else width - LEFT - RIGHT
        up = y if wide else y + (1 - number) * 12
        axes = figure.add_axes((left / width, up / height, across / width, 2.2 / height))
        bar = figure.colorbar(image, cax=axes, orientation="horizontal")
        bar.set_label(name, labelpad=1)


def _notes(overview: Overview, width: float) -> list[Note]:
    nights = sum(len(nights) for nights in overview.nights.values())
    total = sum(night.hours for nights in overview.nights.values() for night in nights.values())
    sites = len(overview.nights)
    seen = f"{counted(nights, 'night')} of {counted(sites, 'site')}, {total:.0f} h observed"
    notes = [Note(f"{seen}; drawn by aurorapt {__version__}"), Note(f"weights {', '.join(sorted(overview.weights))}")]
    if overview.simulated:
        notes.append(Note(NOT_FOR_SCIENCE, bold=True))
    return note_lines(notes, width)
