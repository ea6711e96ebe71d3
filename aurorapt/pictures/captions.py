"""Titles and small print of figures, placed in mm; text from files is shown as it is, whatever it holds."""

import textwrap
from collections.abc import Iterable
from typing import TYPE_CHECKING, NamedTuple

from aurorapt.errors import printable

if TYPE_CHECKING:
    from matplotlib.figure import Figure

LINE = 4.2  # mm, of text of 8 points
TITLE_LINE = 1.3 * LINE  # of 10 points
CHARACTER, BOLD_CHARACTER = 1.75, 2.5  # mm, of small print and of a title, in the mean
MARGIN = 2  # mm
NOT_FOR_SCIENCE = "weights trained on simulated frames: for trying the tool, not for science"


class Note(NamedTuple):
    """A line of small print."""

    text: str
    bold: bool = False


def title_lines(text: str, width: float) -> list[str]:
    """Break a title where the width, mm, has no more room."""
    return textwrap.wrap(printable(text), int((width - 2 * MARGIN) / BOLD_CHARACTER))


def note_lines(notes: Iterable[Note], width: float) -> list[Note]:
    """Break small print where the width, mm, has no more room."""
    room = int((width - 2 * MARGIN) / CHARACTER)
    return [Note(line, note.bold) for note in notes for line in textwrap.wrap(printable(note.text), room)]


def write_title(figure: "Figure", lines: Iterable[str], width: float, height: float) -> None:
    """Write a title at the top of a figure of so many mm."""
    text = "\n".join(lines)
    figure.text(MARGIN / width, 1 - 1.5 / height, text, va="top", fontsize=10, fontweight="bold")


def write_notes(figure: "Figure", notes: Iterable[Note], width: float, height: float) -> None:
    """Write small print at the foot of a figure of so many mm."""
    for number, note in enumerate(reversed(list(notes))):
        y = LINE * (number + 0.3) / height
        figure.text(MARGIN / width, y, note.text, va="bottom", fontweight="bold" if note.bold else "normal")
