"""The panels of a night's picture, each drawn into axes of its own: what has no frame stays white in all of them."""

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aurorapt.pictures.colours import INK, class_colours
from aurorapt.pictures.geometry import meridian_elevations, rows_at
from aurorapt.pictures.keogram import Keogram
from aurorapt.pictures.night_data import event_times
from aurorapt.pictures.time_axis import date_numbers
from aurorapt.pictures.time_bins import TimeBins
from aurorapt.science.events import Event

if TYPE_CHECKING:
    from matplotlib.axes import Axes

KEOGRAM_COLOURS = "viridis"  # even steps for colour-blind readers too, and no white, which is for gaps
NETWORK_ELEVATION = 15  # degrees, below which the network sees nothing
NEAR_ZENITH = 80.0  # degrees; halfway between the rows in which this is crossed is the zenith
NARROW = 400  # bins beside each other that are narrower than a line is thick
THICKNESS = 0.03  # of a line that is drawn as an area, of the panel
PALE = 0.25  # share of colour in what is doubtful
SHARE_ROWS = 60  # of an image of shares


def draw_keogram(axes: "Axes", keogram: Keogram, elevations: NDArray[np.float64] | None = None) -> Any:
    """Draw a keogram, north up, on a logarithmic scale between the counts that asilib chooses.

    Parameters
    ----------
    elevations : (256,) float64 [y], elevation angle of each row of the meridian, degrees, from north over the zenith to
        south; the nominal camera's where None, which is some two degrees wrong

    Returns
    -------
    matplotlib.image.AxesImage
        For a colour bar, in raw counts.
    """
    from matplotlib.colors import LogNorm

    elevations = meridian_elevations() if elevations is None else elevations
    low, high = keogram.limits(elevations >= 0)
    extent = (*date_numbers(keogram.bins.edges[[0, -1]]), len(elevations) - 0.5, -0.5)
    image = axes.imshow(
        np.maximum(keogram.counts, 1),
        cmap=KEOGRAM_COLOURS,
        norm=LogNorm(low, high),
        extent=extent,
        aspect="auto",
        interpolation="nearest",
        origin="upper",
    )
    _label_elevations(axes, elevations)
    return image


def _label_elevations(axes: "Axes", elevations: NDArray[np.float64]) -> None:
    """Write elevation angles beside the rows that have them, and mark where the network's sky ends."""
    horizon = rows_at(elevations, 0.0)
    degrees = (NETWORK_ELEVATION, 45)
    rows = [rows_at(elevations, angle) for angle in degrees]
    zenith = float(np.mean(rows_at(elevations, NEAR_ZENITH)))
    ticks = [row[0] for row in rows] + [zenith] + [row[1] for row in reversed(rows)]
    names = [f"{angle}°" for angle in degrees]
    axes.set_yticks(ticks, [names[0] + " N", names[1], "90°", names[1], names[0] + " S"])
    for row in rows[0]:
        axes.axhline(row, color="white", linewidth=0.5, linestyle=":")
    axes.set_ylim(horizon[1], horizon[0])
    axes.set_ylabel("elevation")


def draw_shares(
    axes: "Axes", bins: TimeBins, times: NDArray[np.datetime64], labels: NDArray[np.intp], classes: Sequence[str]
) -> None:
    """Draw a ribbon of classes: in each bin of time, each class is as high as its share of the frames.

    Parameters
    ----------
    times : (n,) datetime64[s], UTC
    labels : (n,) places in ``classes``
    """
    from matplotlib.colors import to_rgba

    axes.set_ylim(0, 1)
    axes.set_yticks([])
    if not len(times):
        return
    shares = bins.shares(times, labels, len(classes))
    heights = (np.arange(SHARE_ROWS) + 0.5) / SHARE_ROWS
    shown = (shares.cumsum(axis=1)[None] < heights[:, None, None]).sum(axis=2).clip(0, len(classes) - 1)
    colours = np.array([to_rgba(colour) for colour in class_colours(classes).values()])
    image = colours[shown]
    image[:, ~shares.any(axis=1)] = (1, 1, 1, 0)
    extent = (*date_numbers(bins.edges[[0, -1]]), 0, 1)
    axes.imshow(image, extent=extent, aspect="auto", interpolation="nearest", origin="lower")


def draw_values(
    axes: "Axes",
    bins: TimeBins,
    times: NDArray[np.datetime64],
    values: NDArray[np.floating[Any]],
    colour: str,
    spread: bool = False,
    filled: bool = False,
) -> None:
    """Draw the mean of values of 0 to 1 in each bin of time as steps, with nothing where there is no frame.

    Parameters
    ----------
    times : (n,) datetime64[s], UTC
    values : (n,) 0 to 1
    spread : whether to shade from the smallest to the largest value of each bin
    filled : whether to fill below the mean
    """
    places = bins.places(times)
    places, values = places[places >= 0], values[places >= 0]
    counts = np.bincount(places, minlength=bins.count)
    held = bins.held(counts > 0)
    edges = date_numbers(bins.edges)
    with np.errstate(invalid="ignore"):
        mean = _there(np.bincount(places, values, bins.count) / counts, held)
    if spread:
        least, most = np.full(bins.count, np.inf), np.full(bins.count, -np.inf)
        np.minimum.at(least, places, values)
        np.maximum.at(most, places, values)
        _fill(axes, edges, _there(least, held), _there(most, held), colour, alpha=0.3)
    if filled:
        _fill(axes, edges, np.where(held >= 0, 0.0, np.nan), mean, colour, alpha=0.4)
    if bins.count > NARROW:
        before = np.concatenate([mean[:1], mean[:-1]])
        low, high = np.fmin(mean, before), np.fmax(mean, before)
        low[held < 0], high[held < 0] = np.nan, np.nan
        _fill(axes, edges, low - THICKNESS / 2, high + THICKNESS / 2, colour)
    else:
        axes.stairs(mean, edges, baseline=None, color=colour, linewidth=0.9)
    axes.set_ylim(-0.03, 1.03)
    axes.set_yticks([0, 0.5, 1], ["0", "0.5", "1"])


def _fill(
    axes: "Axes",
    edges: NDArray[np.float64],
    low: NDArray[np.float64],
    high: NDArray[np.float64],
    colour: str,
    alpha: float = 1,
) -> None:
    """Fill bins between two values; unlike a line's, the ends of an area do not reach into a gap."""
    from matplotlib.patches import StepPatch

    look: dict[str, Any] = {
        "baseline": low,
        "fill": True,
        "facecolor": colour,
        "alpha": alpha,
        "linewidth": 0,
        "snap": True,
    }
    axes.add_artist(StepPatch(high, edges, **look))  # unlike axes.stairs, without a slow look at its limits


def _there(values: NDArray[np.float64], held: NDArray[np.intp]) -> NDArray[np.float64]:
    return np.where(held >= 0, values[held], np.nan)


def draw_events(
    axes: "Axes", bins: TimeBins, times: NDArray[np.datetime64], events: Iterable[Event], colour: str
) -> None:
    """Draw events as bars, those of good quality filled and doubtful ones hatched; gaps in the data are left out.

    Parameters
    ----------
    times : (n,) of all frames, datetime64[s], UTC
    """
    held = bins.held(np.bincount(bins.places(times) + 1, minlength=bins.count + 1)[1:] > 0)
    edges = date_numbers(bins.edges)
    for event in events:
        start, end = date_numbers(event_times(event))
        inside = (edges[1:] > start) & (edges[:-1] < end) & (held >= 0)
        steps = np.diff(np.concatenate([[False], inside, [False]]).astype(np.int8))
        for first, last in zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True):
            left, right = max(start, edges[first]), min(end, edges[last])
            axes.broken_barh([(left, right - left)], (0.15, 0.7), snap=True, **event_look(event.quality, colour))
    axes.set_ylim(0, 1)
    axes.set_yticks([])


def event_look(quality: str, colour: str) -> dict[str, Any]:
    """Give how a bar of an event is drawn, for a legend too."""
    from matplotlib.colors import to_rgb

    if quality == "good":
        return {"facecolor": colour, "linewidth": 0}
    pale = tuple(
        1 - PALE * (1 - part) for part in to_rgb(colour)
    )  # opaque, as SVG makes the hatch as clear as the face
    return {"facecolor": pale, "edgecolor": colour, "linewidth": 0, "hatch": "//////"}


def draw_problems(axes: "Axes", minutes: NDArray[np.datetime64]) -> None:
    """Mark (n,) minutes whose file had a problem, datetime64[m]."""
    middles = date_numbers(minutes) + 0.5 / 1440
    axes.plot(middles, np.full(len(middles), 0.5), "v", color=INK, markersize=4)
    axes.set_ylim(0, 1)
    axes.set_yticks([])
