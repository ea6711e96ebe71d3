"""Colours of the classes and of what is drawn around them."""

# Okabe and Ito's colours, which colour-blind readers tell apart
CLASS_COLOURS = {
    "bad_viewing": "#999999",
    "no_aurora": "#0072B2",
    "other_aurora": "#009E73",
    "pulsating": "#E69F00",
}
OTHER_COLOUR = "#CC79A7"  # for classes of other networks
BACKGROUND, INK, FAINT = "#FFFFFF", "#202020", "#D8D8D8"


def class_colour(name: str) -> str:
    """Give the colour in which a class is drawn."""
    return CLASS_COLOURS.get(name, OTHER_COLOUR)
