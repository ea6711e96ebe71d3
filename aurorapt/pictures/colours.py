"""Colours of the classes and of what is drawn around them."""

from collections.abc import Iterable
from itertools import cycle

# Okabe and Ito's colours, which colour-blind readers tell apart; their grey is darker, and too like the green
CLASS_COLOURS = {
    "bad_viewing": "#BBBBBB",
    "no_aurora": "#0072B2",
    "other_aurora": "#009E73",
    "pulsating": "#E69F00",
}
OTHER_COLOURS = ("#CC79A7", "#56B4E9", "#D55E00", "#F0E442")  # for classes of other networks
BACKGROUND, INK, FAINT = "#FFFFFF", "#202020", "#D8D8D8"


def class_colours(classes: Iterable[str]) -> dict[str, str]:
    """Give the colour in which each class is drawn, in the order given.

    Classes of other networks get `OTHER_COLOURS` in turn; beyond the fourth of them, colours come again.
    """
    others = cycle(OTHER_COLOURS)
    return {name: CLASS_COLOURS.get(name) or next(others) for name in classes}
