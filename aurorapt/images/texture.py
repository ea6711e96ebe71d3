"""What one frame cannot show: how a patch of sky flickers from frame to frame."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aurorapt.themis import FRAME_SIZE

BLOCKS = 16  # across the frame, and down
BLOCK_SIZE = FRAME_SIZE // BLOCKS  # pixels
LEAST_VISIBLE = 0.5  # share of a block's pixels above the horizon mask, for it to count
SLOW_REACH = 15  # seconds before and after: what changes more slowly than this is taken out
LOOK_BACK = 120  # seconds over which the variance is taken
LEAST_FRAMES = 10  # in that time
ACTIVE = 0.01  # of a block's brightness: how much an active block's flickers (root mean square)


class Texture(NamedTuple):
    """How the sky looks and flickers at each of n frames.

    ``brightness`` : (n,) float64, mean of all visible blocks, raw counts with the camera's offset in them
    ``variance`` : (n,) float64, raw counts squared: of what is left of the blocks' means without slow changes, over
        the last two minutes, averaged over blocks
    ``active_fraction`` : (n,) float64, share of blocks that flicker by more than 1 % of their brightness
    """

    brightness: NDArray[np.float64]
    variance: NDArray[np.float64]
    active_fraction: NDArray[np.float64]


class BlockMeans:
    """Means of raw counts over 16 x 16 blocks of 16 x 16 pixels, of the pixels above the horizon mask.

    Parameters
    ----------
    elevation_mask : (256, 256) [y, x], nonzero where the sky is visible
    """

    def __init__(self, elevation_mask: NDArray[np.uint8]) -> None:
        self._mask = (elevation_mask != 0).astype(np.uint16)
        pixels = _block_sums(self._mask[None])[0]
        self._used = np.flatnonzero(pixels >= LEAST_VISIBLE * BLOCK_SIZE**2)
        self._pixels = pixels[self._used].astype(np.float32)

    def __call__(self, images: NDArray[np.uint16]) -> NDArray[np.float32]:
        """Give (n, blocks) float32 [frame, block] of (n, 256, 256) uint16 [frame, y, x], raw counts."""
        sums = _block_sums(images * self._mask)
        means: NDArray[np.float32] = sums[:, self._used] / self._pixels
        return means


def _block_sums(images: NDArray[np.uint16]) -> NDArray[np.float32]:
    rows = images.reshape(len(images), FRAME_SIZE, BLOCKS, BLOCK_SIZE).sum(axis=3, dtype=np.uint32)
    blocks = rows.reshape(len(images), BLOCKS, BLOCK_SIZE, BLOCKS).sum(axis=2, dtype=np.uint32)
    sums: NDArray[np.float32] = blocks.reshape(len(images), -1).astype(np.float32)
    return sums


def texture(seconds: NDArray[np.float64], means: NDArray[np.float32]) -> Texture:
    """Give the texture at each frame; NaN where fewer than ten frames came in the last two minutes.

    Parameters
    ----------
    seconds : (n,) times, ascending
    means : (n, blocks) float32 [frame, block], as `BlockMeans` gives them

    Notes
    -----
    With a frame every 3 s, periods of 6 to 20 s show as they are; faster ones, of 2 to 6 s, show as slower ones, so
    that a variance is given and no period. Moving arcs and clouds, twinkling stars and passing lights vary too. As the
    camera's offset is in the counts, 1 % of the brightness is more than 1 % of the light.
    """
    values = means.astype(np.float64)
    values -= values.mean(axis=0) if len(values) else 0  # small numbers keep their digits in running sums
    slow = _means_between(seconds, values, seconds - SLOW_REACH, seconds + SLOW_REACH)[0]
    variance, frames = _means_between(seconds, (values - slow) ** 2, seconds - LOOK_BACK, seconds)
    brightness = means.astype(np.float64)
    active = (variance > (ACTIVE * brightness) ** 2).mean(axis=1)
    enough = frames >= LEAST_FRAMES
    return Texture(
        brightness.mean(axis=1),
        np.where(enough, variance.mean(axis=1), np.nan),
        np.where(enough, active, np.nan),
    )


def _means_between(
    seconds: NDArray[np.float64],
    values: NDArray[np.float64],
    starts: NDArray[np.float64],
    ends: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Average the frames from each start to its end, both included, and count them."""
    sums = np.zeros((len(values) + 1, values.shape[1]))
    np.cumsum(values, axis=0, out=sums[1:])
    first, end = np.searchsorted(seconds, starts, side="left"), np.searchsorted(seconds, ends, side="right")
    return (sums[end] - sums[first]) / (end - first)[:, None], end - first
