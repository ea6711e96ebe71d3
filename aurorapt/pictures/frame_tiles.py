"""Frames drawn as the network sees them, with north and east marked."""

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from aurorapt.errors import printable
from aurorapt.images.preprocess import Preprocessor
from aurorapt.pictures.captions import NOT_FOR_SCIENCE
from aurorapt.pictures.night_data import Night
from aurorapt.weights.location import find_weights
from aurorapt.weights.weights_file import read_weights

MARK, MARK_EDGE = (255, 255, 255), (0, 0, 0)
MARK_SHARE = 0.09  # of a tile's side: the height of the letters N and E
EQUALISED = "frames equalised, as the network sees them"


def view_of_network(night: Night, weights: Path | None = None) -> tuple[Preprocessor, list[str]]:
    """Find how the network saw a night, and what a picture has to say of that.

    Parameters
    ----------
    weights : weights file; the default weights where None

    Returns
    -------
    the recipe from raw counts to what the network sees, and small print, line by line

    Raises
    ------
    WeightsError
        If there is no such file or it is not a weights file.
    """
    found = read_weights(find_weights(weights))
    notes = [EQUALISED, night.made_with]
    if night.companion is not None and not night.companion.is_of(found.identity, found.sha256):
        notes.append(f"dark below 15 degrees as in {found.name}: the night's own weights are not at hand")
    if night.simulated:
        notes.append(NOT_FOR_SCIENCE)
    return Preprocessor(found.elevation_mask, found.input_shape[1:]), list(map(printable, notes))


@lru_cache
def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """Give the font that comes with Pillow, in a size in pixels."""
    return ImageFont.load_default(size)


def sky_tile(image: NDArray[np.uint16], preprocessor: Preprocessor, side: int) -> Image.Image:
    """Draw one frame as the network sees it: equalised, dark below 15 degrees elevation, at the network's resolution.

    North is up and east to the left, as one sees the sky from below; the letters N and E mark them.

    Parameters
    ----------
    image : (256, 256) uint16 [y, x], raw counts, rows as the camera wrote them: row 0 is north, column 0 east
    preprocessor : of the weights
    side : of the tile, pixels

    Returns
    -------
    an RGB picture
    """
    seen = np.rint(preprocessor(image[None])[0]).astype(np.uint8)
    tile = Image.fromarray(seen).resize((side, side), Image.Resampling.BICUBIC).convert("RGB")
    mark_north_and_east(tile)
    return tile


def mark_north_and_east(tile: Image.Image) -> None:
    """Write N at the upper edge and E at the left one."""
    draw, side = ImageDraw.Draw(tile), tile.width
    size = round(side * MARK_SHARE)
    gap = size // 4
    places = (("N", (side / 2, gap), "mt"), ("E", (gap, side / 2), "lm"))
    for letter, place, anchor in places:
        draw.text(place, letter, MARK, font(size), anchor, stroke_width=max(size // 12, 1), stroke_fill=MARK_EDGE)
