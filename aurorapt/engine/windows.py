"""Which pixels of an image its windows look at, and which see them again in the result."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

Rectangle = tuple[int, int, int, int]  # first row, row after the last, first column, column after the last
Sides = tuple[int, int, int, int]  # top, bottom, left, right, in pixels


def spread(seen: NDArray[np.bool_], attributes: Mapping[str, Any]) -> NDArray[np.bool_]:
    """Tell which pixels of a result look at some of an image's pixels.

    Parameters
    ----------
    seen : (y, x), the pixels that are looked for
    attributes : of a node whose windows go over that image
    """
    top, bottom, left, right = attributes["padding"]
    padded = functional.pad(torch.from_numpy(seen[None].astype(np.float32)), (left, right, top, bottom))
    dilation = attributes.get("dilation", (1, 1))
    windows = functional.max_pool2d(padded, attributes["kernel_size"], attributes["stride"], dilation=dilation)
    found: NDArray[np.bool_] = windows[0].numpy() > 0
    return found


def looked_at(rectangle: Rectangle, attributes: Mapping[str, Any], size: Sequence[int]) -> tuple[Rectangle, Sides]:
    """Give the pixels that a rectangle of a result looks at, and the padding around them.

    Parameters
    ----------
    rectangle : of the result
    attributes : of the node
    size : rows and columns of the image
    """
    dilation = attributes.get("dilation", (1, 1))
    inside: list[int] = []
    padding: list[int] = []
    for axis in (0, 1):
        first, after = rectangle[2 * axis : 2 * axis + 2]
        stride, before = attributes["stride"][axis], attributes["padding"][2 * axis]
        start = first * stride - before
        end = (after - 1) * stride - before + (attributes["kernel_size"][axis] - 1) * dilation[axis] + 1
        inside += [max(start, 0), min(end, size[axis])]
        padding += [max(-start, 0), max(end - size[axis], 0)]
    return _four(inside), _four(padding)


def _four(numbers: list[int]) -> tuple[int, int, int, int]:
    first, second, third, fourth = numbers
    return first, second, third, fourth


def around(seen: NDArray[np.bool_]) -> Rectangle:
    """Give the smallest rectangle around pixels, of which there must be one."""
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    return int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1


def hull(rectangles: Iterable[Rectangle]) -> Rectangle:
    """Give the smallest rectangle around others, of which there must be one."""
    top, bottom, left, right = zip(*rectangles, strict=True)
    return min(top), max(bottom), min(left), max(right)


def rows_and_columns(rectangle: Rectangle) -> tuple[int, int]:
    """Count them."""
    top, bottom, left, right = rectangle
    return bottom - top, right - left
