"""Raw counts to network input: the recipe the network was trained with, bit for bit, in numpy.

A frame is equalised as OpenCV does it, its pixels below the elevation mask become zero, and it is resized bilinearly.
"""

import functools
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aurorapt.images.equalization import TILES, Neighbours, equalized_pixels, neighbours
from aurorapt.themis import FRAME_SIZE

RECIPE = {
    "clahe_clip_limit": 3,
    "clahe_tile_grid": [TILES, TILES],
    "scale_to_8_bit": "255/65535",
    "minimum_elevation_degrees": 15,
    "resize": "bilinear, half-pixel centres, no antialiasing",
    "channels": "equal",
    "range": [0, 255],
}


@functools.cache
def _all_pixels() -> Neighbours:
    return neighbours(np.arange(FRAME_SIZE**2))


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
    near = _all_pixels()
    equalized = np.empty(images.shape, dtype=np.uint8)
    for out, frame in zip(equalized, images, strict=True):
        out.ravel()[near.pixels] = equalized_pixels(frame, near)
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


def visible_in_input(elevation_mask: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.bool_]:
    """Tell which pixels of the network input see the sky; all others are 0 in every frame.

    Parameters
    ----------
    elevation_mask : (256, 256) [y, x], nonzero where the sky is visible
    size : rows and columns of the network input, pixels

    Returns
    -------
    (rows, columns) bool [y, x]
    """
    rows, columns = _axis(size[0]), _axis(size[1])
    corners = [elevation_mask[row][:, column] != 0 for row in rows[:2] for column in columns[:2]]
    visible: NDArray[np.bool_] = np.logical_or.reduce(corners)
    return visible


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
        self._near = neighbours(np.flatnonzero(elevation_mask))
        self._visible_count = self._near.chosen

        # a hidden pixel is 0, which stands behind the values of those that are visible
        source = np.full((FRAME_SIZE, FRAME_SIZE), self._visible_count)
        source.ravel()[self._near.pixels[: self._visible_count]] = np.arange(self._visible_count)
        rows, columns = _axis(size[0]), _axis(size[1])
        corners = [source[row][:, column] for row in rows[:2] for column in columns[:2]]
        sources = np.array(corners).reshape(4, -1)
        self._targets = np.flatnonzero(visible_in_input(elevation_mask, size))
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
            out[:] = equalized_pixels(frame, self._near)
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
