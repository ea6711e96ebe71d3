"""A night at a glance: keogram, labels, events and confidence over one axis of time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from aurorapt import __version__
from aurorapt.errors import OptionError, counted
from aurorapt.pictures.captions import (
    CHARACTER,
    LINE,
    NOT_FOR_SCIENCE,
    TITLE_LINE,
    Note,
    note_lines,
    title_lines,
    write_notes,
    write_title,
)
from aurorapt.pictures.colours import INK, class_colours
from aurorapt.pictures.figures import FULL_WIDTH, MM, check_width, new_figure, style
from aurorapt.pictures.keogram import Keogram
from aurorapt.pictures.night_data import Night
from aurorapt.pictures.panels import (
    draw_events,
    draw_keogram,
    draw_problems,
    draw_shares,
    draw_values,
    event_look,
)
from aurorapt.pictures.time_axis import date_numbers, label_mlt, label_ut, magnetic_midnights
from aurorapt.pictures.time_bins import FRAME_SECONDS, TimeBins, choose_bins
from aurorapt.science.smoothing import Majority
from aurorapt.themis_sites import SITES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEFT, GAP = 20, 1.8  # mm: margin for names, between panels
RIGHT, RIGHT_OF_KEOGRAM = 7, 22  # mm: margins, the second with room for the colour bar
PATCH = 8  # mm: a legend's patch of colour and the space around it
WIDE = 140  # mm: from here on there is room for twice as many ticks
CONFIDENCE_COLOUR = "#56B4E9"  # of no class that the published network knows


@dataclass(frozen=True)
class Panel:
    """A panel's name beside it, and its height in mm."""

    name: str
    height: float


KEOGRAM, LABELS, SMOOTHED = Panel("", 38), Panel("labels", 9), Panel("smoothed", 5)
EVENTS, TRUTH, PROBLEMS = Panel("events", 5), Panel("truth", 5), Panel("problems", 4)
PROBABILITY, CONFIDENCE = Panel("probability", 20), Panel("confidence", 18)


def night_bins(night: Night, start: np.datetime64 | None = None, end: np.datetime64 | None = None) -> TimeBins:
    """Give the bins of time in which a night is drawn.

    Parameters
    ----------
    start, end : what to draw of it, UTC; from the minute of the first frame to that of the last where None

    Raises
    ------
    OptionError
        If the end is not after the start.
    """
    times = night.times
    if not len(times):
        day = np.datetime64(night.date or "1970-01-01", "s")
        times = np.array([day, day + np.timedelta64(86400 - FRAME_SECONDS, "s")])
    if start is None:
        start = times[0].astype("datetime64[m]").astype("datetime64[s]")
    if end is None:
        end = (times[-1] + np.timedelta64(FRAME_SECONDS + 59, "s")).astype("datetime64[m]").astype("datetime64[s]")
    if end <= start:
        raise OptionError(f"nothing to draw from {start} to {end}; the frames are from {times[0]} to {times[-1]} UT")
    return choose_bins(start, end)


def plot_night(
    night: Night,
    keogram: Keogram | None = None,
    bins: TimeBins | None = None,
    truth: Sequence[str] | None = None,
    remark: str = "",
    width: float = FULL_WIDTH,
    figure: "Figure | None" = None,
) -> "Figure":
    """Draw a camera-night: keogram, labels, smoothed labels, events, problems, smoothed probability and confidence.

    Parameters
    ----------
    night : as `aurorapt.pictures.night_data.read_one_night` gives it
    keogram : of the same camera; no keogram is drawn where None
    bins : of time, as `night_bins` gives them where None
    truth : n class names, one a frame, where they are known, as for a simulated night
    remark : to stand in the small print, in bold
    width : mm, of a new figure as printed; no text is smaller than 8 points
    figure : an empty one to draw into; a new one where None

    Returns
    -------
    matplotlib.figure.Figure
        To be saved with `aurorapt.pictures.figures.save_figure`.

    Raises
    ------
    OptionError
        If matplotlib is not installed, or the width is too small for the text.

    Examples
    --------
    >>> night = read_one_night(Path("results/2020/02/18/20200218_fsmi_themis_classifications.txt"), print)
    >>> save_figure(plot_night(night), Path("night.pdf"))
    """
    width = check_width(width, figure)
    bins = bins or night_bins(night)
    panels = _panels(night, keogram, truth)
    with style():
        title, notes = _title(night, width), _notes(night, remark, width)
        legend = _legend_entries(night)
        columns = _legend_columns([entry.get_label() for entry in legend], width)
        legend_rows = -(-len(legend) // columns)
        top = 2.4 * LINE + TITLE_LINE * len(title)
        bottom = LINE * (3.2 + legend_rows + len(notes))
        height = top + bottom + sum(panel.height + GAP for panel in panels)
        figure = figure or new_figure(width, height)
        axes = _add_axes(figure, panels, top, height, RIGHT_OF_KEOGRAM if keogram else RIGHT)
        _draw(figure, night, keogram, bins, truth, axes)
        _label_time(night, bins, list(axes.values()), 10 if width >= WIDE else 6)
        write_title(figure, title, width, height)
        _add_legend(figure, legend, columns, LINE * (len(notes) + legend_rows / 2 + 0.6) / height)
        write_notes(figure, notes, width, height)
    return figure


def _panels(night: Night, keogram: Keogram | None, truth: Sequence[str] | None) -> list[Panel]:
    """Choose what there is to show."""
    has_class = night.class_probability is not None
    wanted = {
        KEOGRAM: keogram is not None,
        LABELS: True,
        TRUTH: truth is not None,
        SMOOTHED: True,
        EVENTS: has_class,
        PROBLEMS: len(_problem_minutes(night, keogram)) > 0,
        PROBABILITY: has_class,
        CONFIDENCE: True,
    }
    return [panel for panel, there in wanted.items() if there]


def _add_axes(figure: "Figure", panels: list[Panel], top: float, height: float, right: float) -> "dict[Panel, Axes]":
    """Add axes below each other, placed in mm."""
    width = figure.get_figwidth() / MM
    axes: dict[Panel, Axes] = {}
    y = height - top
    for panel in panels:
        y -= panel.height
        place = (LEFT / width, y / height, 1 - (LEFT + right) / width, panel.height / height)
        axes[panel] = figure.add_axes(place)
        if panel.height <= LABELS.height:
            axes[panel].set_ylabel(panel.name, rotation=0, ha="right", va="center")
        else:
            axes[panel].set_ylabel(panel.name)
        y -= GAP
    return axes


def _draw(
    figure: "Figure",
    night: Night,
    keogram: Keogram | None,
    bins: TimeBins,
    truth: Sequence[str] | None,
    axes: "dict[Panel, Axes]",
) -> None:
    classes = list(night.classes)
    colour = class_colours(classes).get(night.class_name, INK)
    if keogram is not None:
        _add_colour_bar(figure, axes[KEOGRAM], draw_keogram(axes[KEOGRAM], keogram))
    draw_shares(axes[LABELS], bins, night.times, night.labels, classes)
    draw_shares(axes[SMOOTHED], bins, night.times, night.smoothed_labels, classes)
    draw_values(axes[CONFIDENCE], bins, night.times, night.confidences, CONFIDENCE_COLOUR, spread=True)
    if TRUTH in axes and truth is not None:
        every = list(dict.fromkeys([*classes, *truth]))
        numbers = np.array([every.index(name) for name in truth], np.intp)
        draw_shares(axes[TRUTH], bins, night.times, numbers, every)
    if PROBABILITY in axes and night.class_probability is not None:
        draw_values(axes[PROBABILITY], bins, night.times, night.class_probability, colour, filled=True)
        axes[PROBABILITY].set_ylabel("share" if night.model_id == Majority.model_id else PROBABILITY.name)
        draw_events(axes[EVENTS], bins, night.times, night.events, colour)
    if PROBLEMS in axes:
        draw_problems(axes[PROBLEMS], _problem_minutes(night, keogram))
    if (bins.places(night.times) < 0).all():
        axes[LABELS].text(0.5, 0.5, "no frames", transform=axes[LABELS].transAxes, ha="center", va="center")


def _problem_minutes(night: Night, keogram: Keogram | None) -> NDArray[np.datetime64]:
    """Give the minutes with a problem, when the night was classified or now."""
    minutes = night.problem_minutes
    return minutes if keogram is None else np.union1d(minutes, keogram.problem_minutes)


def _add_colour_bar(figure: "Figure", axes: "Axes", image: Any) -> None:
    from matplotlib.ticker import MaxNLocator, NullLocator, ScalarFormatter

    place = axes.get_position()
    width = figure.get_figwidth() / MM
    beside = figure.add_axes((place.x1 + 2 / width, place.y0, 2.5 / width, place.height))
    bar = figure.colorbar(image, cax=beside)
    bar.set_label("raw counts", labelpad=2)
    beside.yaxis.set_major_locator(MaxNLocator(5))
    beside.yaxis.set_minor_locator(NullLocator())
    beside.yaxis.set_major_formatter(ScalarFormatter())


def _label_time(night: Night, bins: TimeBins, axes: "list[Axes]", most: int) -> None:
    from matplotlib.patheffects import withStroke

    for panel in axes:
        label_ut(panel, bins.start, bins.end, most, labels=panel is axes[-1])
        for midnight in magnetic_midnights(night.site, bins.start, bins.end):
            line = panel.axvline(date_numbers(np.array([midnight]))[0], color=INK, linewidth=0.8, linestyle=(0, (4, 3)))
            line.set_path_effects([withStroke(linewidth=2, foreground="white", alpha=0.7)])
    label_mlt(axes[0], night.site, bins.start, bins.end, most)


def _title(night: Night, width: float) -> list[str]:
    name = SITES[night.site].name if night.site in SITES else "site unknown"
    date = night.date if night.date is not None else night.night_file.result.csv_file.name
    return title_lines(f"{name} ({night.camera}), {date}", width)


def _legend_entries(night: Night) -> list[Any]:
    """Give the colours of the classes and the looks of events."""
    from matplotlib.patches import Patch

    colours = class_colours(night.classes)
    entries = [Patch(color=colour, label=name.replace("_", " ")) for name, colour in colours.items()]
    if night.class_name in colours:
        for quality in ("good", "doubtful"):
            entries.append(Patch(label=f"{quality} event", **event_look(quality, colours[night.class_name])))
    return entries


def _legend_columns(names: list[str], width: float) -> int:
    """Say how many names of a legend have room beside each other."""
    widths = [PATCH + CHARACTER * len(name) for name in names]
    if sum(widths) <= width:
        return max(len(names), 1)
    return max(int(width / max(widths)), 1)


def _add_legend(figure: "Figure", entries: list[Any], columns: int, y: float) -> None:
    """Add a legend centred at y, a share of the figure's height."""
    figure.legend(
        handles=entries,
        loc="center",
        bbox_to_anchor=(0.5, y),
        ncols=columns,
        frameon=False,
        handlelength=1.2,
        handleheight=0.9,
        columnspacing=1.3,
        handletextpad=0.5,
        borderaxespad=0,
    )


def _notes(night: Night, remark: str, width: float) -> list[Note]:
    smoothing = f"smoothing {night.model_id}" if night.model_id else "nothing to smooth"
    notes = [Note(night.made_with), Note(f"{smoothing}; drawn by aurorapt {__version__}")]
    if night.problems:
        notes.append(Note(f"{counted(len(night.problems), 'problem')} told in the companion"))
    if night.site not in SITES:
        notes.append(Note("site not in the table: no magnetic local time"))
    if night.simulated:
        notes.append(Note(NOT_FOR_SCIENCE, bold=True))
    if remark:
        notes.append(Note(remark, bold=True))
    return note_lines(notes, width)
