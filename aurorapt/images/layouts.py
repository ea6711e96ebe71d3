"""Image stacks as the readers of this field give them, each looked at as frames whose rows are not flipped.

What each reader gives of a minute file was measured with themis_imager_readfile 1.4.1, PyUCalgarySRS 1.28.0, PyAuroraX
1.27.0, asilib 0.21.1 and 0.30.1: the same counts, bit for bit, on other axes and with the rows in another order.
"""

import os
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aurorapt.errors import OptionError
from aurorapt.themis import FRAME_SIZE

FRAME_SHAPE = (FRAME_SIZE, FRAME_SIZE)  # [y, x]
LARGEST_COUNT = 65535  # of 16 bits


class Layout(NamedTuple):
    """How a stack of frames is laid out.

    ``shape`` : in words, with the axes
    ``frame_axis`` : the axis along which frames follow each other, 0 or 2
    ``flipped`` : whether the first row is the last one that the camera wrote
    """

    shape: str
    frame_axis: int
    flipped: bool


_FRAMES_FIRST = f"(n, {FRAME_SIZE}, {FRAME_SIZE}) [frame, y, x]"
_FRAMES_LAST = f"({FRAME_SIZE}, {FRAME_SIZE}, n) [y, x, frame]"
LAYOUTS = {
    "readfile": Layout(_FRAMES_FIRST, 0, flipped=False),
    "pyaurorax": Layout(_FRAMES_LAST, 2, flipped=True),
    "asilib": Layout(_FRAMES_FIRST, 0, flipped=True),
}
# No shape tells whether rows are flipped: advice that only mends the shape would have flipped frames classified
_IF_FLIPPED = ", with layout='asilib' if asilib or PyAuroraX read them, as these flip rows"


def find_layout(name: str) -> Layout:
    """Find a layout by its name in `LAYOUTS`.

    Raises
    ------
    OptionError
        If there is none.
    """
    if name not in list(LAYOUTS):
        raise OptionError(f"layout {name!r} is unknown; give {' or '.join(map(repr, LAYOUTS))}")
    return LAYOUTS[name]


def as_frames(images: NDArray[Any], layout: str) -> NDArray[Any]:
    """Look at a stack as frames, without a copy.

    Parameters
    ----------
    images : raw counts, with the axes of the layout; uint16, or any whole numbers of 16 bits or more where the layout
        is one whose rows are flipped: as asilib's are, the rows of such are not taken for unflipped ones unasked
    layout : a name in `LAYOUTS`

    Returns
    -------
    (n, 256, 256) [frame, y, x], raw counts, rows as the camera wrote them; a view, for `as_counts`

    Raises
    ------
    OptionError
        If there is no such layout.
    ValueError
        If the images are something else, saying what would make them right.
    """
    expected = find_layout(layout)
    if advice := _advice(images, expected):
        is_plain = isinstance(images, np.ndarray) and not isinstance(images, np.ma.MaskedArray)
        found = f"{images.shape} {images.dtype}" if is_plain else f"a {type(images).__name__}"
        raise ValueError(f"images must be {expected.shape} uint16 for layout={layout!r}, not {found}; {advice}")
    frames = np.moveaxis(images, expected.frame_axis, 0)
    return frames[:, ::-1] if expected.flipped else frames


def as_counts(frames: NDArray[Any]) -> NDArray[np.uint16]:
    """Give frames as the network's preprocessing takes them, contiguous and uint16, whatever whole numbers they are.

    Parameters
    ----------
    frames : (n, 256, 256) [frame, y, x], as `as_frames` gives them

    Raises
    ------
    ValueError
        If a value is no count of 16 bits.
    """
    if frames.dtype.itemsize > 2 or frames.dtype.kind == "i":
        lowest, highest = (int(frames.min()), int(frames.max())) if frames.size else (0, 0)
        if lowest < 0 or highest > LARGEST_COUNT:
            found = lowest if lowest < 0 else highest
            raise ValueError(
                f"images must be raw counts from 0 to {LARGEST_COUNT}, and there is a value of {found}; pass them as "
                "they were read, neither scaled nor background-subtracted, and leave out frames that are missing"
            )
    return np.ascontiguousarray(frames, dtype=np.uint16)


def _advice(images: Any, expected: Layout) -> str:
    """Say what makes the images right; nothing where they are."""
    if type(images) in (list, tuple):
        stack = "np.stack(images, axis=2)" if expected.frame_axis else "np.stack(images)"
        return f"pass {stack} of a list of frames{'' if expected.flipped else _IF_FLIPPED}"
    if isinstance(images, np.ma.MaskedArray):
        return "leave out frames with masked pixels, or fill them (images.filled(...)), and pass a plain array"
    if isinstance(images, (str, os.PathLike)):
        return "give files to Classifier.classify_files"
    if not isinstance(images, np.ndarray):
        return (
            "pass the NumPy array itself, such as PyAuroraX's data.data with layout='pyaurorax' "
            "or asilib's data.image with layout='asilib'"
        )
    return _advice_on_shape(images.shape, expected) or _advice_on_counts(images.dtype, expected)


def _advice_on_shape(shape: tuple[int, ...], expected: Layout) -> str:
    first, last = shape[1:] == FRAME_SHAPE, len(shape) == 3 and shape[:2] == FRAME_SHAPE
    right = last if expected.frame_axis else first
    if right:
        return ""
    if first:
        return "give layout='asilib' if asilib read them, or 'readfile' if rows are as themis_imager_readfile's"
    if last:
        return (
            "give layout='pyaurorax' if PyAuroraX or PyUCalgarySRS read them, "
            "or np.moveaxis(images, 2, 0) with layout='readfile' if themis_imager_readfile did"
        )
    if shape == FRAME_SHAPE:
        stack = "images[..., None]" if expected.frame_axis else "images[None]"
        return f"pass {stack} of a single frame{'' if expected.flipped else _IF_FLIPPED}"
    if 0 in shape:
        return "there is no image in it; look whether its files were found and read"
    if len(shape) == 4:
        return "pass frames of one channel, in a single stack"
    return f"pass full frames of {FRAME_SIZE} by {FRAME_SIZE} pixels, neither cut out nor resized"


def _advice_on_counts(dtype: np.dtype[Any], expected: Layout) -> str:
    if dtype.kind == "u" and dtype.itemsize == 2:  # of either byte order
        return ""
    if dtype.kind in "iu" and dtype.itemsize > 1:  # asilib's data.image is int64; `as_counts` looks at its values
        return "" if expected.flipped else f"if they are raw counts, pass images.astype(np.uint16){_IF_FLIPPED}"
    if dtype.kind in "iu":
        return "pass raw counts of 16 bits as they were read, not images scaled to 8 bits"
    return "pass raw counts as they were read, neither scaled nor background-subtracted"
