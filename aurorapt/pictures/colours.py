"""Colours of the classes and of what is drawn around them."""

from collections.abc import Iterable, Iterator
from colorsys import hls_to_rgb
from itertools import count

# Okabe and Ito's colours, which colour-blind readers tell apart; their grey is darker, and too like the green
CLASS_COLOURS = {
    "bad_viewing": "#BBBBBB",
    "no_aurora": "#0072B2",
    "other_aurora": "#009E73",
    "pulsating": "#E69F00",
}
OTHER_COLOURS = ("#CC79A7", "#56B4E9", "#D55E00", "#F0E442")  # for classes of other networks
GOLDEN_SECTION, LIGHTNESSES, SATURATION = 0.618034, (0.25, 0.7), 0.55  # of more colours: hues that never come again
BACKGROUND, INK, FAINT = "#FFFFFF", "#202020", "#D8D8D8"


def class_colours(classes: Iterable[str]) -> dict[str, str]:
    """Give the colour in which each class is drawn, in the order given; no two are the same.

    Classes of other networks get `OTHER_COLOURS` in turn; beyond the fourth of them, colours are harder to tell apart.
    """
    others = _other_colours()
    return {name: CLASS_COLOURS.get(name) or next(others) for name in dict.fromkeys(classes)}


def _other_colours() -> Iterator[str]:
    yield from OTHER_COLOURS
    for number in count():
        parts = hls_to_rgb(number * GOLDEN_SECTION % 1, LIGHTNESSES[number % len(LIGHTNESSES)], SATURATION)
        yield "#" + "".join(f"{round(255 * part):02X}" for part in parts)
