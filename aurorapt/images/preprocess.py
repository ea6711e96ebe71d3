"""Raw counts to network input: the recipe the network was trained with, bit for bit, in numpy.

A frame goes through OpenCV's ``createCLAHE(clipLimit=3, tileGridSize=(8, 8))``, ``convertScaleAbs(alpha=255/65535)``,
the elevation mask and a bilinear resize. OpenCV itself is not needed: with 1024 pixels in a tile and 65536 bins, the
clip limit is one count a bin, so the equalisation needs only the distinct values of a frame.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aurorapt.themis import FRAME_SIZE

LEVELS = 65536  # values of a 16-bit pixel
TILES = 8  # tiles, both ways
TILE_SIZE = FRAME_SIZE // TILES  # pixels, both ways
TILE_PIXELS = TILE_SIZE**2
COUNTS_TO_LEVEL = np.float32((LEVELS - 1) / TILE_PIXELS)  # exact in float32
LEVEL_TO_8_BIT = 257.0  # 65535 / 255
GROUP = 8  # one-byte counts in a 64-bit number
GROUP_BITS = 3  # to divide a place by 8 by shifting it, which takes half of the time

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
    """For chosen pixels, the four tiles whose tables each mixes and how far it is from the first ones.

    The m pixels come in b blocks, in each of which all have the same four tiles, so that what belongs to a tile is
    looked up once for a block, and the counts of its pixels lie close together.
    """

    pixels: NDArray[np.intp]  # (m,) place in the frame
    tiles: NDArray[np.intp]  # (4, b) tile number [top left, top right, bottom left, bottom right]
    in_block: NDArray[np.intp]  # (b,) pixels of each block
    right: NDArray[np.float32]  # (m,) weight of the right tiles
    bottom: NDArray[np.float32]  # (m,) weight of the bottom tiles


def _neighbours(pixels: NDArray[np.intp]) -> _Neighbours:
    position = _PIXEL.astype(np.float32) / np.float32(TILE_SIZE) - np.float32(0.5)
    first = np.floor(position).astype(np.intp)
    weight = position - first.astype(np.float32)
    # the tile numbers are clamped at the edges, the weights are not: OpenCV's own order of steps
    before, after = np.maximum(first, 0), np.minimum(first + 1, TILES - 1)
    y, x = np.divmod(pixels, FRAME_SIZE)
    tiles = np.array([row[y] * TILES + column[x] for row in (before, after) for column in (before, after)])
    blocks, block, in_block = np.unique(tiles, axis=1, return_inverse=True, return_counts=True)
    order = np.argsort(block.ravel(), kind="stable")
    return _Neighbours(pixels[order], blocks, in_block, weight[x[order]], weight[y[order]])


_ALL_PIXELS = _neighbours(np.arange(FRAME_SIZE**2))


def _running(counts: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Sum up within each group of eight, count by count; both (a multiple of 8,), and no sum above 255.

    Eight bytes are one 64-bit number; times 0x0101010101010101, its lowest byte is the first of them, the next one the
    sum of the first two, and so on.
    """
    sums = counts.view("<u8") * np.uint64(0x0101010101010101)
    return sums.astype("<u8", copy=False).view(np.uint8)


def _totals(sums: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Sum of each group of eight, from what `_running` gives."""
    return (sums.view("<u8") >> np.uint64(56)).astype(np.uint8)


class _TileCounts:
    """How many distinct values, up to any value of the frame, each tile of a frame has.

    The distinct values of the frame are numbered in their order, 1, 2, 3 ..., and counted in groups of eight, and these
    in groups of eight.

    ``rank`` : (65536,) int64 [pixel], the number of the value that the pixel has
    ``excess`` : (64,) float32 [tile], pixels of the tile whose value another one has already
    """

    def __init__(self, frame: NDArray[np.uint16]) -> None:
        pixels = frame.ravel().astype(np.intp)
        present = np.zeros(LEVELS, dtype=bool)
        present[pixels] = True
        rank_of_value = np.cumsum(present, dtype=np.int64)
        self.rank = rank_of_value.take(pixels)
        self._width = -(-(int(rank_of_value[-1]) + 1) // GROUP**2) * GROUP**2
        present_in_tile = np.zeros(TILES**2 * self._width, dtype=np.uint8)
        present_in_tile[_TILE_OF_PIXEL * self._width + self.rank] = 1
        self._within_group = _running(present_in_tile)
        of_group = _totals(self._within_group)
        up_to_group = _running(of_group)
        of_block = _totals(up_to_group).reshape(TILES**2, -1)
        up_to_block = np.cumsum(of_block, axis=1, dtype=np.int64)
        self.excess = (TILE_PIXELS - up_to_block[:, -1]).astype(np.float32)
        self._before_group = np.repeat((up_to_block - of_block).astype(np.float32).ravel(), GROUP)
        self._before_group += up_to_group - of_group

    def up_to(
        self, rank: NDArray[np.int64], tiles: NDArray[np.intp], in_block: NDArray[np.intp]
    ) -> NDArray[np.float32]:
        """Count the distinct values of a tile that are at most the one of this rank.

        Parameters
        ----------
        rank : (m,) in b blocks
        tiles, in_block : (b,) the tile of each block, and its ranks
        """
        place = np.repeat(tiles * self._width, in_block)
        place += rank
        within = self._within_group.take(place)
        place >>= GROUP_BITS
        count = self._before_group.take(place)
        count += within
        return count


def _equalized(frame: NDArray[np.uint16], near: _Neighbours) -> NDArray[np.uint8]:
    """Give the 8-bit values of the chosen pixels of one frame."""
    counts = _TileCounts(frame)
    rank, value = counts.rank.take(near.pixels), frame.ravel().take(near.pixels).astype(np.float32)
    step = np.floor(np.float32(LEVELS) / np.maximum(counts.excess, np.float32(1)))

    def level(tiles: NDArray[np.intp]) -> NDArray[np.float32]:
        # every whole number here is below 2**24, so float32 holds it exactly, and no quotient rounds up to the next one
        entry: NDArray[np.float32] = value / np.repeat(step[tiles], near.in_block)
        np.floor(entry, out=entry)
        entry += np.float32(1)
        np.minimum(entry, np.repeat(counts.excess[tiles], near.in_block), out=entry)
        entry += counts.up_to(rank, tiles, near.in_block)
        # the product is rounded to float32 before it is rounded to a level, as OpenCV does it
        entry *= COUNTS_TO_LEVEL
        np.rint(entry, out=entry)
        return entry

    top_left, top_right, bottom_left, bottom_right = near.tiles
    left, top = 1 - near.right, 1 - near.bottom
    upper = level(top_left) * left
    upper += level(top_right) * near.right
    lower = level(bottom_left) * left
    lower += level(bottom_right) * near.right
    mixed = np.rint(upper * top + lower * near.bottom)
    mixed /= np.float32(LEVEL_TO_8_BIT)
    equalized: NDArray[np.uint8] = np.rint(mixed, out=mixed).astype(np.uint8)
    return equalized


def _check_images(images: NDArray[np.uint16]) -> None:
    if images.dtype != np.uint16 or images.ndim != 3 or images.shape[1:] != (FRAME_SIZE, FRAME_SIZE):
        raise ValueError(
            f"images must be (n, {FRAME_SIZE}, {FRAME_SIZE}) uint16 in native byte order, "
            f"not {images.shape} {images.dtype}"
        )


def equalize(images: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """Equalise histograms adaptively, with limited contrast, to 8 bits; equal to OpenCV's bit for bit.

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
        out.ravel()[_ALL_PIXELS.pixels] = _equalized(frame, _ALL_PIXELS)
    return equalized


def _between(
    first: NDArray[np.float32], second: NDArray[np.float32], weight: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Go from the first values towards the second as far as the weight says; ``second`` is overwritten."""
    second -= first
    second *= weight
    second += first
    return second


class _Axis(NamedTuple):
    """Bilinear interpolation of one axis: two source pixels for each target pixel and the weight of the second."""

    first: NDArray[np.intp]
    second: NDArray[np.intp]
    weight: NDArray[np.float32]


def _axis(size: int) -> _Axis:
    position = np.clip((np.arange(size) + 0.5) * (FRAME_SIZE / size) - 0.5, 0, FRAME_SIZE - 1)
    first = np.floor(position).astype(np.intp)
    return _Axis(first, np.minimum(first + 1, FRAME_SIZE - 1), (position - first).astype(np.float32))


class Preprocessor:
    """The whole recipe for one elevation mask and one input size of the network.

    It has two halves, between which a frame is smallest: `equalize`, and `resize` of what that gives.

    Parameters
    ----------
    elevation_mask : (256, 256) [y, x], nonzero where the sky is visible at 15 degrees elevation or more
    size : rows and columns of the network input, pixels
    """

    def __init__(self, elevation_mask: NDArray[np.uint8], size: tuple[int, int] = (224, 224)) -> None:
        if elevation_mask.shape != (FRAME_SIZE, FRAME_SIZE):
            raise ValueError(f"elevation mask must be ({FRAME_SIZE}, {FRAME_SIZE}), not {elevation_mask.shape}")
        self.size = size
        self._near = _neighbours(np.flatnonzero(elevation_mask))
        self._visible_count = len(self._near.pixels)

        # a hidden pixel is 0, which stands behind the values of those that are visible
        source = np.full((FRAME_SIZE, FRAME_SIZE), self._visible_count)
        source.ravel()[self._near.pixels] = np.arange(self._visible_count)
        rows, columns = _axis(size[0]), _axis(size[1])
        corners = [source[row][:, column] for row in rows[:2] for column in columns[:2]]
        sources = np.array(corners).reshape(4, -1)
        self._targets = np.flatnonzero((sources < self._visible_count).any(axis=0))
        self._sources = np.ascontiguousarray(sources[:, self._targets])
        y, x = np.divmod(self._targets, size[1])
        self._bottom, self._right = rows.weight[y], columns.weight[x]

    def __call__(self, images: NDArray[np.uint16]) -> NDArray[np.float32]:
        """Turn raw frames into network input: `equalize`, then `resize`.

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
        return self.resize(self.equalize(images))

    def equalize(self, images: NDArray[np.uint16]) -> NDArray[np.uint8]:
        """Equalise raw frames and keep the pixels that the elevation mask lets be visible.

        Parameters
        ----------
        images : (n, 256, 256) uint16 [frame, y, x], raw counts, rows as the camera wrote them (not flipped)

        Returns
        -------
        (n, visible) uint8 [frame, pixel], in the order of this preprocessor, which `resize` knows

        Raises
        ------
        ValueError
            If the shape or dtype is another one.
        """
        _check_images(images)
        visible = np.empty((len(images), self._visible_count), dtype=np.uint8)
        for out, frame in zip(visible, images, strict=True):
            out[:] = _equalized(frame, self._near)
        return visible

    def resize(self, visible: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Put the pixels that are visible in their places, zeros in all others, and resize.

        Parameters
        ----------
        visible : (n, visible) uint8 [frame, pixel], as `equalize` gives them

        Returns
        -------
        (n, rows, columns) float32 [frame, y, x], 0 to 255
        """
        resized = np.zeros((len(visible), self.size[0] * self.size[1]), dtype=np.float32)
        values = np.zeros(self._visible_count + 1, dtype=np.float32)
        for out, frame in zip(resized, visible, strict=True):
            values[:-1] = frame
            top_left, top_right, bottom_left, bottom_right = (values.take(source) for source in self._sources)
            top = _between(top_left, top_right, self._right)
            bottom = _between(bottom_left, bottom_right, self._right)
            out[self._targets] = _between(top, bottom, self._bottom)
        return resized.reshape(-1, *self.size)
