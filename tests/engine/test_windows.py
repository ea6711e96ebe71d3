"""What windows look at, against a convolution of ones."""

from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.nn import functional

from aurorapt.engine.windows import around, hull, looked_at, rows_and_columns, spread

SIZE = (11, 9)
KINDS = [
    {"kernel_size": kernel, "stride": stride, "dilation": dilation, "padding": padding}
    for kernel, stride, dilation, padding in product(
        ((1, 1), (3, 3), (2, 5)), ((1, 1), (2, 3)), ((1, 1), (2, 1)), ((0, 0, 0, 0), (1, 1, 1, 1), (0, 1, 2, 0))
    )
]


def sums(image: NDArray[np.float64], attributes: dict[str, Any], padding: tuple[int, ...]) -> NDArray[np.float64]:
    top, bottom, left, right = padding
    padded = functional.pad(torch.from_numpy(image)[None, None], (left, right, top, bottom))
    ones = torch.ones(1, 1, *attributes["kernel_size"], dtype=torch.float64)
    result = functional.conv2d(padded, ones, stride=attributes["stride"], dilation=attributes["dilation"])
    return np.asarray(result[0, 0])


@pytest.mark.parametrize("attributes", KINDS, ids=str)
def test_what_sees_a_pixel_is_what_it_changes(attributes: dict[str, Any]) -> None:
    for seed in range(5):
        seen = np.random.default_rng(seed).random(SIZE) < 0.1
        changed = sums(seen.astype(float), attributes, attributes["padding"]) > 0
        np.testing.assert_array_equal(spread(seen, attributes), changed)


@pytest.mark.parametrize("attributes", KINDS, ids=str)
def test_a_rectangle_is_computed_from_what_it_looks_at(attributes: dict[str, Any]) -> None:
    image = np.random.default_rng(0).integers(1, 100, SIZE).astype(float)
    whole = sums(image, attributes, attributes["padding"])
    rows, columns = whole.shape
    for top, left in product(range(rows), range(columns)):
        rectangle = (top, min(top + 2, rows), left, columns)
        (first, after, start, end), padding = looked_at(rectangle, attributes, SIZE)
        found = sums(image[first:after, start:end], attributes, padding)
        np.testing.assert_array_equal(found, whole[top : top + 2, left:])


def test_rectangles_around_pixels_and_others() -> None:
    seen = np.zeros(SIZE, bool)
    seen[2, 3] = seen[5, 1] = True
    assert around(seen) == (2, 6, 1, 4)
    assert hull([(2, 6, 1, 4), (3, 8, 2, 3)]) == (2, 8, 1, 4)
    assert rows_and_columns((2, 8, 1, 4)) == (6, 3)
