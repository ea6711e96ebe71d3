"""Adaptive equalisation with limited contrast, to 8 bits: what OpenCV computes, bit for bit, in numpy.

That is OpenCV's ``createCLAHE(clipLimit=3, tileGridSize=(8, 8))``, then ``convertScaleAbs(alpha=255/65535)``. With 1024
pixels in a tile and 65536 bins, the clip limit is one count a bin, so only the distinct values of a frame are needed.
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
GROUP = 4  # two-byte counts in a 64-bit number
RUNNING_SUM = np.uint64(0x0001000100010001)  # times such a number: its first count, the first two, the first three, all
LAST_COUNT = np.uint64(48)  # bits before the last count

_PIXEL = np.arange(FRAME_SIZE)
_TILE_OF_PIXEL = ((_PIXEL // TILE_SIZE)[:, None] * TILES + _PIXEL // TILE_SIZE).ravel()


class Neighbours(NamedTuple):
    """For m chosen pixels, the four tiles whose tables each mixes and how far it is from the first ones.

    They come in b blocks, in each of which all have the same four tiles, so that what belongs to a tile is looked up
    once for a block, and the counts of its pixels lie close together. Behind them stand the other pixels of those
    tiles: k in all. The t tiles that are needed are numbered anew.
    """

    pixels: NDArray[np.intp]  # (k,) place in the frame; the first m are the chosen ones
    tile: NDArray[np.intp]  # (k,) the tile each lies in
    needed: int  # t
    tiles: NDArray[np.intp]  # (4, b) tile number [top left, top right, bottom left, bottom right]
    in_block: NDArray[np.intp]  # (b,) pixels of each block
    left: NDArray[np.float32]  # (m,) weight of the left tiles
    right: NDArray[np.float32]  # (m,) of the right tiles
    top: NDArray[np.float32]  # (m,) of the top tiles
    bottom: NDArray[np.float32]  # (m,) of the bottom tiles

    @property
    def chosen(self) -> int:
        return len(self.left)


def neighbours(chosen: NDArray[np.intp]) -> Neighbours:
    """Find the tiles that chosen pixels mix; (m,) places in the frame."""
    position = _PIXEL.astype(np.float32) / np.float32(TILE_SIZE) - np.float32(0.5)
    first = np.floor(position).astype(np.intp)
    weight = position - first.astype(np.float32)
    # the tile numbers are clamped at the edges, the weights are not: OpenCV's own order of steps
    before, after = np.maximum(first, 0), np.minimum(first + 1, TILES - 1)
    y, x = np.divmod(chosen, FRAME_SIZE)
    tiles = np.array([row[y] * TILES + column[x] for row in (before, after) for column in (before, after)])
    block = tiles[0] * TILES**2 + tiles[3]  # two opposite corners say which the others are
    _, examples, in_block = np.unique(block, return_index=True, return_counts=True)
    blocks, order = tiles[:, examples], np.argsort(block, kind="stable")
    right, bottom = weight[x[order]], weight[y[order]]
    needed, numbers = np.unique(blocks, return_inverse=True)
    others = np.setdiff1d(np.flatnonzero(np.isin(_TILE_OF_PIXEL, needed)), chosen)
    pixels = np.concatenate([chosen[order], others])
    tile = np.searchsorted(needed, _TILE_OF_PIXEL[pixels])
    return Neighbours(
        pixels, tile, len(needed), numbers.reshape(blocks.shape), in_block, 1 - right, right, 1 - bottom, bottom
    )


class _TileCounts:
    """How many distinct values, up to any value of the frame, each of the needed tiles has.

    The distinct values of the frame are numbered in their order, 1, 2, 3 ..., and summed up in groups of four, each one
    64-bit number. What this costs is the scattering and looking up of single numbers, about 1 ns each: three for each
    pixel of a frame, one more for each tile that a chosen pixel mixes.

    Parameters
    ----------
    values : (k,) uint16, of the pixels of ``near``

    Attributes
    ----------
    rank : (m,) int64, the number of a chosen pixel's value among the distinct values of all, from 1
    excess : (t,) float32 [tile], pixels of the tile whose value another one has already
    """

    def __init__(self, values: NDArray[np.uint16], near: Neighbours) -> None:
        places = values.astype(np.intp)
        present = np.zeros(LEVELS, dtype=bool)
        present[places] = True
        rank_of_value = np.cumsum(present, dtype=np.intp)
        rank = rank_of_value.take(places)
        self._width = -(-(int(rank_of_value[-1]) + 1) // GROUP) * GROUP
        in_tile = near.tile * self._width
        in_tile += rank
        present_in_tile = np.zeros(near.needed * self._width, dtype="<u2")
        present_in_tile[in_tile] = 1
        groups = present_in_tile.view("<u8").reshape(near.needed, self._width // GROUP)
        in_group = groups * RUNNING_SUM
        in_group >>= LAST_COUNT
        counts = np.cumsum(in_group, axis=1)
        self.excess = np.float32(TILE_PIXELS) - counts[:, -1].astype(np.float32)
        counts -= in_group  # from here on, what stands before a group
        counts += groups
        counts *= RUNNING_SUM
        self._counts = counts.astype("<u8", copy=False).view("<u2").ravel()
        self.rank = rank[: near.chosen]

    def up_to_rank(self, tiles: NDArray[np.intp], in_block: NDArray[np.intp]) -> NDArray[np.uint16]:
        """Count, for each chosen pixel, the distinct values of a tile that are at most the pixel's.

        Parameters
        ----------
        tiles, in_block : (b,) the tile of each block, and its pixels
        """
        place = np.repeat(tiles * self._width, in_block)
        place += self.rank
        counts: NDArray[np.uint16] = self._counts.take(place)
        return counts


def _mixed(
    first: NDArray[np.float32],
    second: NDArray[np.float32],
    first_weight: NDArray[np.float32],
    second_weight: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Weigh two arrays and add them; both are overwritten."""
    first *= first_weight
    second *= second_weight
    first += second
    return first


def equalized_pixels(frame: NDArray[np.uint16], near: Neighbours) -> NDArray[np.uint8]:
    """Equalise one frame where it is chosen.

    Parameters
    ----------
    frame : (256, 256) uint16 [y, x], raw counts
    near : as `neighbours` gives it for the chosen pixels

    Returns
    -------
    (m,) uint8, in the order of ``near``
    """
    values = frame.ravel().take(near.pixels)
    counts = _TileCounts(values, near)
    value = values[: near.chosen].astype(np.float32)
    step = np.floor(np.float32(LEVELS) / np.maximum(counts.excess, np.float32(1)))

    def level(tiles: NDArray[np.intp]) -> NDArray[np.float32]:
        # every whole number here is below 2**24, so float32 holds it exactly, and no quotient rounds up to the next one
        entry: NDArray[np.float32] = value / np.repeat(step[tiles], near.in_block)
        np.floor(entry, out=entry)
        entry += np.float32(1)
        np.minimum(entry, np.repeat(counts.excess[tiles], near.in_block), out=entry)
        entry += counts.up_to_rank(tiles, near.in_block)
        # the product is rounded to float32 before it is rounded to a level, as OpenCV does it
        entry *= COUNTS_TO_LEVEL
        np.rint(entry, out=entry)
        return entry

    top_left, top_right, bottom_left, bottom_right = near.tiles
    upper = _mixed(level(top_left), level(top_right), near.left, near.right)
    lower = _mixed(level(bottom_left), level(bottom_right), near.left, near.right)
    levels = _mixed(upper, lower, near.top, near.bottom)
    np.rint(levels, out=levels)
    levels /= np.float32(LEVEL_TO_8_BIT)
    equalized: NDArray[np.uint8] = np.rint(levels, out=levels).astype(np.uint8)
    return equalized
