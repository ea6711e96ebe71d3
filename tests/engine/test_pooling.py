"""Pooling along one axis and then the other is torch's pooling."""

import pytest
import torch
from torch.nn import functional

from aurorapt.engine.fused_layers import has_bfloat16
from aurorapt.engine.pooling import MaxPool2d, pools_by_axis, relu_clears_signs

WINDOWS = [
    ((3, 3), (2, 2), (1, 1, 1, 1)),
    ((2, 2), (2, 2), (0, 0, 0, 0)),
    ((3, 2), (1, 3), (0, 1, 0, 0)),
    ((5, 4), (3, 1), (2, 2, 0, 3)),
    ((1, 1), (2, 2), (0, 0, 0, 0)),
    ((1, 3), (1, 2), (0, 0, 2, 0)),
    ((7, 7), (1, 1), (3, 3, 3, 3)),
]


def pooled(
    images: torch.Tensor, size: tuple[int, int], stride: tuple[int, int], sides: tuple[int, ...]
) -> torch.Tensor:
    top, bottom, left, right = sides
    return functional.max_pool2d(functional.pad(images, (left, right, top, bottom), value=float("-inf")), size, stride)


@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("shape", [(2, 5, 12, 11), (1, 1, 7, 4), (3, 2, 1, 1), (1, 4, 2, 3)])
@pytest.mark.parametrize(("size", "stride", "sides"), WINDOWS)
def test_it_is_torchs(
    size: tuple[int, int],
    stride: tuple[int, int],
    sides: tuple[int, int, int, int],
    shape: tuple[int, ...],
    dtype: torch.dtype,
    layout: torch.memory_format,
) -> None:
    if shape[2] + sides[0] + sides[1] < size[0] or shape[3] + sides[2] + sides[3] < size[1]:
        pytest.skip("no window fits")
    noise = torch.randn(shape, generator=torch.Generator().manual_seed(0)).to(dtype).contiguous(memory_format=layout)
    before = noise.clone()
    assert pools_by_axis(size, sides)
    assert torch.equal(MaxPool2d(size, stride, sides, as_integers=False)(noise), pooled(noise, size, stride, sides))
    positive = noise.relu()
    found = MaxPool2d(size, stride, sides, as_integers=True)(positive)
    assert torch.equal(found, pooled(positive, size, stride, sides))
    assert torch.equal(noise, before)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("as_integers", [False, True])
def test_what_is_no_number_stays_seen(dtype: torch.dtype, as_integers: bool) -> None:
    images = torch.zeros(1, 2, 6, 6, dtype=dtype)
    images[0, 1, 2, 3] = float("nan")
    images[0, 0, 5, 5] = float("inf")
    found = MaxPool2d((3, 3), (2, 2), (1, 1, 1, 1), as_integers)(images)
    expected = pooled(images, (3, 3), (2, 2), (1, 1, 1, 1))
    assert expected.isnan().any()
    assert torch.equal(found.isnan(), expected.isnan())
    assert torch.equal(found.nan_to_num(), expected.nan_to_num())


def test_windows_that_may_miss_the_image_are_left_to_torch() -> None:
    assert not pools_by_axis((2, 2), (1, 1, 0, 0))
    assert not pools_by_axis((3, 3), (0, 0, 3, 0))


@pytest.mark.skipif(not has_bfloat16(), reason="this processor does not compute in bfloat16")
def test_a_fused_relu_may_be_compared_as_integers() -> None:
    assert relu_clears_signs(), "pooling is slower on this processor, and no less right"
