"""Winograd's convolution of rows against the plain one in float64, in float32 on any processor."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

import aurorapt.engine.winograd_rows
from aurorapt.engine.fused_layers import FusedConvolution, has_bfloat16
from aurorapt.engine.winograd_rows import WinogradRows, gains_by_rows
from tests.engine.test_winograd import attributes

TOLERANCE = 5e-6  # in float32, of the largest value; 5e-7 was seen
# root mean square of the error in bfloat16, of a direct convolution's; 1.6 to 1.7 were seen
BFLOAT16_TOLERANCE = 2.0

in_bfloat16 = pytest.mark.skipif(not has_bfloat16(), reason="this processor does not compute in bfloat16")


def convolved(images: Tensor, weight: Tensor, bias: Tensor | None, given: dict[str, Any]) -> Tensor:
    """Convolve exactly enough."""
    top, bottom, left, right = given["padding"]
    padded = functional.pad(images.double(), (left, right, top, bottom))
    result = functional.conv2d(padded, weight.double(), None if bias is None else bias.double())
    return torch.relu(result) if given["activation"] else result


@pytest.mark.parametrize("size", [(56, 56), (14, 14), (7, 7), (6, 1), (5, 1), (2, 5), (3, 4)])
@pytest.mark.parametrize("sides", [(1, 1), (0, 2), (2, 1)])
@pytest.mark.parametrize("activation", [None, "relu"])
def test_it_is_the_plain_convolution(size: tuple[int, int], sides: tuple[int, int], activation: str | None) -> None:
    random = torch.Generator().manual_seed(0)
    images = torch.randn(3, 24, *size, generator=random).to(memory_format=torch.channels_last)
    weight = torch.randn(40, 24, 3, 3, generator=random) / 15
    bias = torch.randn(40, generator=random) if activation else None
    given = attributes(padding=(1, 1, *sides), activation=activation)
    before = images.clone()
    exact = convolved(images, weight, bias, given)
    result = WinogradRows(given, weight, bias, tuple(images.shape), torch.float32)(images)
    assert result.shape == exact.shape
    assert result.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(result, exact, rtol=0, atol=TOLERANCE * max(1, float(exact.abs().max())))
    assert torch.equal(images, before)


@in_bfloat16
@pytest.mark.parametrize(("channels", "size"), [(64, 56), (128, 28), (256, 14), (512, 7)])
def test_in_bfloat16_it_errs_little_more_than_the_plain_one(channels: int, size: int) -> None:
    random = torch.Generator().manual_seed(0)
    images = torch.randn(2, channels, size, size, generator=random).relu_().bfloat16()
    images = images.to(memory_format=torch.channels_last)
    weight = torch.randn(channels, channels, 3, 3, generator=random) * (2 / 9 / channels) ** 0.5
    bias = torch.randn(channels, generator=random) / 10
    given = attributes(in_channels=channels, out_channels=channels)
    exact = convolved(images, weight, bias, given)
    shape = tuple(images.shape)
    direct = FusedConvolution(given, weight.bfloat16(), bias.bfloat16(), shape, in_place=False)(images)
    result = WinogradRows(given, weight, bias, shape, torch.bfloat16)(images)
    assert result.dtype == torch.bfloat16
    errors = [float((found.double() - exact).square().mean().sqrt()) for found in (direct, result)]
    assert errors[1] <= BFLOAT16_TOLERANCE * errors[0]


@in_bfloat16
def test_what_is_rectified_has_no_sign_bit() -> None:
    """As `aurorapt.engine.pooling.relu_clears_signs` proves it for a plain convolution."""
    random = torch.Generator().manual_seed(0)
    images = torch.randn(2, 64, 8, 8, generator=random).bfloat16().to(memory_format=torch.channels_last)
    images[0, :, :3] = 0
    images[1, 0, 0] = float("nan")
    weight = torch.randn(64, 64, 3, 3, generator=random) / 15
    result = WinogradRows(attributes(), weight, None, tuple(images.shape), torch.bfloat16)(images)
    assert bool((result.view(torch.int16) >= 0).all())


@pytest.mark.parametrize(("halves", "fused", "gains"), [(True, True, True), (False, True, False), (True, False, False)])
def test_it_is_used_where_it_gains(halves: bool, fused: bool, gains: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aurorapt.engine.winograd_rows, "halves_wide_instructions", lambda: halves)
    monkeypatch.setattr(aurorapt.engine.winograd_rows, "has_fused_convolutions", lambda: fused)
    for input_shape in ((8, 128, 28, 28), (16, 256, 14, 14), (16, 512, 7, 7)):
        assert gains_by_rows(attributes(in_channels=input_shape[1]), input_shape) == gains


OTHERS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "one by one": ({"kernel_size": (1, 1), "padding": (0, 0, 0, 0)}, (4, 128, 28, 28)),
    "a stride": ({"stride": (2, 2)}, (4, 128, 28, 28)),
    "dilated": ({"dilation": (2, 2)}, (4, 128, 28, 28)),
    "groups": ({"groups": 2}, (4, 128, 28, 28)),
    "an addition": ({"residual": True}, (4, 128, 28, 28)),
    "fewer rows than it had": ({"padding": (0, 0, 1, 1)}, (4, 128, 28, 28)),
    "another activation": ({"activation": "silu"}, (4, 128, 28, 28)),
    "few channels": ({"in_channels": 64}, (4, 64, 56, 56)),
    "few rows": ({}, (4, 128, 4, 28)),
}


@pytest.mark.parametrize("other", OTHERS)
def test_other_convolutions_stay_as_they_are(other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aurorapt.engine.winograd_rows, "halves_wide_instructions", lambda: True)
    monkeypatch.setattr(aurorapt.engine.winograd_rows, "has_fused_convolutions", lambda: True)
    changes, input_shape = OTHERS[other]
    assert not gains_by_rows(attributes(**changes), input_shape)
