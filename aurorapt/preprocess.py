"""Raw counts to network input: the recipe the network was trained with, bit for bit, in numpy.

A frame goes through OpenCV's ``createCLAHE(clipLimit=3, tileGridSize=(8, 8))``, ``convertScaleAbs(alpha=255/65535)``,
the elevation mask and a bilinear resize. OpenCV itself is not needed: with 1024 pixels in a tile and 65536 bins, the
clip limit is one count a bin, so the equalisation needs only the distinct values of a frame.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

FRAME_SIZE = 256  # pixels, both ways
LEVELS = 65536  # values of a 16-bit pixel
TILES = 8  # tiles, both ways
TILE_SIZE = FRAME_SIZE // TILES  # pixels, both ways
TILE_PIXELS = TILE_SIZE**2
COUNTS_TO_LEVEL = np.float32((LEVELS - 1) / TILE_PIXELS)  # exact in float32
LEVEL_TO_8_BIT = 257.0  # 65535 / 255

RECIPE = {
    "clahe_clip_limit": 3,
    "clahe_tile_grid": [TILES, TILES],
    "scale_to_8_bit": "255/65535",
    "minimum_elevation_degrees": 15,
    "resize": "bilinear, half-pixel centres, no antialiasing",
    "channels": "equal",
    "range": [0, 255],
}

_PIXEL = np.arange(FRAME_SIZE)
_TILE_OF_PIXEL = ((_PIXEL // TILE_SIZE)[:, None] * TILES + _PIXEL // TILE_SIZE).ravel()


class _Neighbours(NamedTuple):
    """For each of m chosen pixels, the four tiles whose tables it mixes and how far it is from the first ones."""

    top_left: NDArray[np.intp]  # (m,) tile number
    top_right: NDArray[np.intp]
    bottom_left: NDArray[np.intp]
    bottom_right: NDArray[np.intp]
    right: NDArray[np.float32]  # (m,) weight of the right tiles
    bottom: NDArray[np.float32]  # (m,) weight of the bottom tiles


def _neighbours(pixels: NDArray[np.intp]) -> _Neighbours:
    position = _PIXEL.astype(np.float32) / np.float32(TILE_SIZE) - np.float32(0.5)
    first = np.floor(position).astype(np.intp)
    weight = position - first.astype(np.float32)
    # the tile numbers are clamped at the edges, the weights are not: OpenCV's own order of steps
    before, after = np.maximum(first, 0), np.minimum(first + 1, TILES - 1)
    y, x = np.divmod(pixels, FRAME_SIZE)
    return _Neighbours(
        before[y] * TILES + before[x],
        before[y] * TILES + after[x],
        after[y] * TILES + before[x],
        after[y] * TILES + after[x],
        weight[x],
        weight[y],
    )


_ALL_PIXELS = np.arange(FRAME_SIZE**2)
_ALL_NEIGHBOURS = _neighbours(_ALL_PIXELS)


def _tile_tables(frame: NDArray[np.uint16]) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
    """Equalisation table of every tile over the distinct values of the frame, and each pixel's place in it.

    Returns
    -------
    tables : (64, distinct values) float32 [tile, rank], 0 to 65535
    rank : (65536,) int32 [pixel], which of the frame's distinct values the pixel has
    """
    pixels = frame.ravel()
    present = np.zeros(LEVELS, dtype=bool)
    present[pixels] = True
    values = np.flatnonzero(present)
    rank_of_value = np.empty(LEVELS, dtype=np.int32)
    rank_of_value[values] = np.arange(len(values), dtype=np.int32)
    rank = rank_of_value[pixels]

    occupied = np.zeros(TILES**2 * len(values), dtype=np.uint8)
    occupied[_TILE_OF_PIXEL * len(values) + rank] = 1
    distinct = np.cumsum(occupied.reshape(TILES**2, len(values)), axis=1, dtype=np.int32)
    excess = TILE_PIXELS - distinct[:, -1:]
    step = LEVELS // np.maximum(excess, 1)
    # every whole number here is below 2**24, so float32 holds it exactly, and no quotient rounds up to the next one
    table = np.divide(values.astype(np.float32), step.astype(np.float32))
    np.floor(table, out=table)
    table += np.float32(1)
    np.minimum(table, excess.astype(np.float32), out=table)
    table += distinct
    # the product is rounded to float32 before it is rounded to a level, as OpenCV does it
    table *= COUNTS_TO_LEVEL
    return np.rint(table, out=table), rank


def _equalized(frame: NDArray[np.uint16], pixels: NDArray[np.intp], near: _Neighbours) -> NDArray[np.float32]:
    """8-bit values, as float32, of the chosen pixels of one frame."""
    tables, rank = _tile_tables(frame)
    width = tables.shape[1]
    levels, chosen = tables.ravel(), rank[pixels]
    left, top = 1 - near.right, 1 - near.bottom
    upper = levels.take(near.top_left * width + chosen) * left
    upper += levels.take(near.top_right * width + chosen) * near.right
    lower = levels.take(near.bottom_left * width + chosen) * left
    lower += levels.take(near.bottom_right * width + chosen) * near.right
    level = np.rint(upper * top + lower * near.bottom)
    level /= np.float32(LEVEL_TO_8_BIT)
    return np.rint(level, out=level)


def _check_images(images: NDArray[np.uint16]) -> None:
    if images.dtype != np.uint16 or images.ndim != 3 or images.shape[1:] != (FRAME_SIZE, FRAME_SIZE):
        raise ValueError(
            f"images must be (n, {FRAME_SIZE}, {FRAME_SIZE}) uint16 in native byte order, "
            f"not {images.shape} {images.dtype}"
        )


def equalize(images: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Contrast-limited adaptive histogram equalisation to 8 bits, equal to OpenCV's bit for bit.

    Parameters
    ----------
    images : (n, 256, 256) uint16 [frame, y, x], raw counts

    Returns
    -------
    (n, 256, 256) uint8 [frame, y, x]

    Raises
    ------
    ValueError
        If the shape or dtype is another one.
    """
    _check_images(images)
    equalized = np.empty(images.shape, dtype=np.uint8)
    for out, frame in zip(equalized, images, strict=True):
        out.ravel()[:] = _equalized(frame, _ALL_PIXELS, _ALL_NEIGHBOURS)
    return equalized


class _Resampling(NamedTuple):
    """Bilinear interpolation of one axis: two source pixels for each target pixel and the weight of the second."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    weight: NDArray[np.float32]


def _resampling(size: int) -> _Resampling:
    position = np.clip((np.arange(size) + 0.5) * (FRAME_SIZE / size) - 0.5, 0, FRAME_SIZE - 1)
    first = np.floor(position).astype(np.intp)
    return _Resampling(first, np.minimum(first + 1, FRAME_SIZE - 1), (position - first).astype(np.float32))


class Preprocessor:
    """The whole recipe for one elevation mask and one input size of the network.

    Parameters
    ----------
    elevation_mask : (256, 256) [y, x], nonzero where the sky is seen at 15 degrees elevation or more
    size : rows and columns of the network input, pixels
    """

    def __init__(self, elevation_mask: NDArray[np.uint8], size: tuple[int, int] = (224, 224)) -> None:
        if elevation_mask.shape != (FRAME_SIZE, FRAME_SIZE):
            raise ValueError(f"elevation mask must be ({FRAME_SIZE}, {FRAME_SIZE}), not {elevation_mask.shape}")
        self.size = size
        self._pixels = np.flatnonzero(elevation_mask)
        self._neighbours = _neighbours(self._pixels)
        self._rows, self._columns = _resampling(size[0]), _resampling(size[1])

    def __call__(self, images: NDArray[np.uint16]) -> NDArray[np.float32]:
        """Turn raw frames into network input.

        Parameters
        ----------
        images : (n, 256, 256) uint16 [frame, y, x], raw counts, rows as the camera wrote them (not flipped)

        Returns
        -------
        (n, rows, columns) float32 [frame, y, x], 0 to 255; the network's input channels all equal this one

        Raises
        ------
        ValueError
            If the shape or dtype is another one.
        """
        _check_images(images)
        resized = np.empty((len(images), *self.size), dtype=np.float32)
        masked = np.zeros((FRAME_SIZE, FRAME_SIZE), dtype=np.float32)
        for out, frame in zip(resized, images, strict=True):
            masked.ravel()[self._pixels] = _equalized(frame, self._pixels, self._neighbours)
            self._resize(masked, out)
        return resized

    def _resize(self, image: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        columns, rows = self._columns, self._rows
        left, right = image[:, columns.first], image[:, columns.second]
        across = left + (right - left) * columns.weight
        top, bottom = across[rows.first], across[rows.second]
        np.add(top, (bottom - top) * rows.weight[:, None], out=out)
