"""Figures of matplotlib, used through its objects alone: no window, no state, the same bytes each time."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aurorapt.errors import OptionError
from aurorapt.machine.extras import load_extra
from aurorapt.pictures.colours import BACKGROUND, INK
from aurorapt.pictures.picture_files import check_ending, write_picture

if TYPE_CHECKING:
    from matplotlib.figure import Figure

ENDINGS = ("png", "pdf", "svg")
MM = 1 / 25.4  # inches
FULL_WIDTH, NARROWEST, WIDEST = 180, 84, 1000  # mm: a page of most journals, one of its two columns, a poster
PIXELS_ACROSS = 2126  # of a PNG, whatever its width: 300 a inch across a page
# sizes in points as printed: nothing is below 8
STYLE: dict[str, Any] = {
    "font.family": "DejaVu Sans",  # which comes with matplotlib
    "font.size": 8,
    "axes.titlesize": 9,
    "axes.labelsize": 8,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "text.color": INK,
    "text.parse_math": False,  # names from files may hold any sign
    "figure.facecolor": BACKGROUND,
    "axes.facecolor": BACKGROUND,
    "hatch.linewidth": 0.5,
    "pdf.fonttype": 42,  # text that can be searched and edited
    "svg.hashsalt": "aurorapt",  # names within the file that are the same each time
}
METADATA: dict[str, dict[str, Any]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Producer": None, "Creator": None},
    "svg": {"Date": None, "Creator": None},
}


def load_matplotlib() -> Any:
    """Load matplotlib, which the extra ``plot`` brings.

    Raises
    ------
    OptionError
        If it is not installed.
    """
    load_extra("matplotlib.figure", "plot", "pictures with axes need matplotlib")
    import matplotlib

    return matplotlib


@contextmanager
def style() -> Iterator[None]:
    """Draw in the style of our pictures, whatever a user has set; to be around drawing and saving."""
    matplotlib = load_matplotlib()
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(STYLE)
        yield


def check_width(width: float, figure: "Figure | None" = None) -> float:
    """Give the width of a picture, mm: the figure's where there is one, else what was asked for.

    Raises
    ------
    OptionError
        If that has no room for text of 8 points, or is wider than any page.
    """
    given: float = width if figure is None else figure.get_figwidth() / MM
    if not NARROWEST <= given <= WIDEST:
        raise OptionError(f"--width {given:g} is not from {NARROWEST} to {WIDEST} mm, the least with room for the text")
    return given


def new_figure(width: float, height: float) -> "Figure":
    """Make an empty figure.

    Parameters
    ----------
    width, height : mm, as printed

    Raises
    ------
    OptionError
        If matplotlib is not installed.
    """
    figure: Figure = load_matplotlib().figure.Figure((width * MM, height * MM), dpi=PIXELS_ACROSS / (width * MM))
    return figure


def figure_bytes(figure: "Figure", ending: str) -> bytes:
    """Render a figure as png, pdf or svg, without date or version, so that the same data give the same bytes."""
    content = io.BytesIO()
    with style():
        figure.savefig(content, format=ending, dpi=figure.dpi, metadata=METADATA[ending])
    return content.getvalue()


def save_figure(figure: "Figure", path: Path) -> None:
    """Write a figure in the format that the path's ending says.

    Raises
    ------
    OptionError
        If that is none of `ENDINGS`.
    ResultsError
        If it cannot be written.
    """
    write_picture(path, figure_bytes(figure, check_ending(path, ENDINGS)))
