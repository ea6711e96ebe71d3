"""Figures as pixels, and pictures that are compared with stored ones."""

import functools
import io
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aurorapt.pictures.figures import figure_bytes

STORED = Path(__file__).parent / "stored"
COARSE = 60  # pixels an inch of a stored picture
MOST_DIFFERENT = 12.0  # of 255, root mean square
FREETYPE = "2.14.3"  # Matplotlib's when figures were stored; with another, what is beside text may move by a pixel


@functools.lru_cache(maxsize=2)
def pixels(figure: Any) -> NDArray[np.uint8]:
    """Render a figure, (height, width, 3) uint8 [y, x, channel]."""
    return np.asarray(Image.open(io.BytesIO(figure_bytes(figure, "png"))).convert("RGB"))


def panel(figure: Any, axes: Any, inside: int = 4) -> NDArray[np.uint8]:
    """Render what lies within axes, less some pixels at the border, (height, width, 3) uint8."""
    image = pixels(figure)
    place = axes.get_position()
    height, width = image.shape[:2]
    rows = slice(round((1 - place.y1) * height) + inside, round((1 - place.y0) * height) - inside)
    return image[rows, round(place.x0 * width) : round(place.x1 * width)]


def panels(figure: Any) -> dict[str, Any]:
    """Give the axes by the name beside them."""
    return {axes.get_ylabel(): axes for axes in figure.axes}


def texts(figure: Any) -> list[str]:
    """Give all that is written in a figure."""
    return [text.get_text() for text in all_texts(figure) if text.get_text()]


def all_texts(figure: Any) -> list[Any]:
    from matplotlib.text import Text

    pixels(figure)  # which gives texts their places
    found: list[Any] = figure.findobj(Text)
    return found


def assert_as_stored(figure: Any, name: str) -> None:
    """Compare a figure with the picture stored under a name; where there is none, store it and fail."""
    from matplotlib import ft2font

    figure.set_dpi(COARSE)
    assert_pixels_as_stored(pixels.__wrapped__(figure), name, moved=int(ft2font.__freetype_version__ != FREETYPE))


def assert_pixels_as_stored(image: NDArray[np.uint8], name: str, moved: int = 0) -> None:
    """Compare (height, width, 3) uint8 with the picture stored under a name; where there is none, store it and fail.

    Parameters
    ----------
    moved : pixels by which its parts may lie elsewhere
    """
    path = STORED / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(image).quantize(64).save(path, optimize=True)
        raise AssertionError(f"{path} was missing and has been made: look at it, and keep it if it is good")
    stored = np.asarray(Image.open(path).convert("RGB")).astype(float)
    assert stored.shape == image.shape
    different = max(_difference(stored, image, moved), _difference(image, stored, moved))
    assert different < MOST_DIFFERENT, f"{name} is drawn otherwise: {different:.1f} of 255"


def _difference(image: NDArray[Any], other: NDArray[Any], moved: int) -> float:
    """Give the root mean square of what each pixel differs by from the most alike of those near it in another image."""
    sides = np.pad(other.astype(float), ((moved, moved), (moved, moved), (0, 0)), mode="edge")
    height, width, _ = image.shape
    places = product(range(2 * moved + 1), repeat=2)
    squares = [((sides[y : y + height, x : x + width] - image) ** 2).mean(axis=2) for y, x in places]
    return float(np.sqrt(np.min(squares, axis=0).mean()))
