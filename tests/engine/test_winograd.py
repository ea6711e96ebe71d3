"""Winograd's convolution against the plain one in float64, on any processor."""

from typing import Any

import numpy as np
import pytest
import torch
from torch.nn import functional

import aurorapt.engine.winograd
from aurorapt.engine.engine import describe_engine
from aurorapt.engine.fused_layers import ACTIVATIONS
from aurorapt.engine.winograd import WinogradConvolution, gains_by_winograd

# of the largest value: in float32, what the products' sums cancel is lost from the end of what is left; 2.3e-6 was seen
TOLERANCE = 2e-5


def attributes(**changes: Any) -> dict[str, Any]:
    plain = {
        "in_channels": 128,
        "out_channels": 128,
        "kernel_size": (3, 3),
        "stride": (1, 1),
        "dilation": (1, 1),
        "groups": 1,
        "padding": (1, 1, 1, 1),
        "activation": "relu",
        "residual": False,
    }
    return plain | changes


@pytest.mark.parametrize(
    ("size", "padding"),
    [
        *(((28, 28), (1, 1, 1, 1)), ((14, 14), (1, 1, 1, 1)), ((7, 7), (1, 1, 1, 1)), ((1, 1), (1, 1, 1, 1))),
        *(((6, 6), (0, 0, 0, 0)), ((3, 11), (0, 0, 0, 0)), ((5, 9), (0, 1, 2, 3)), ((10, 4), (3, 0, 1, 0))),
    ],
)
@pytest.mark.parametrize("activation", [None, *ACTIVATIONS])
def test_it_is_the_plain_convolution(
    size: tuple[int, int], padding: tuple[int, int, int, int], activation: str | None
) -> None:
    random = torch.Generator().manual_seed(0)
    images = torch.rand(3, 24, *size, generator=random).to(memory_format=torch.channels_last)
    weight = torch.randn(40, 24, 3, 3, generator=random) / 15
    bias = torch.randn(40, generator=random) if activation else None
    top, bottom, left, right = padding
    exact = functional.conv2d(
        functional.pad(images.double(), (left, right, top, bottom)),
        weight.double(),
        None if bias is None else bias.double(),
    )
    exact = ACTIVATIONS[activation](exact) if activation else exact
    before = images.clone()
    given = attributes(padding=padding, activation=activation)
    result = WinogradConvolution(given, weight, bias, tuple(images.shape))(images)
    assert result.shape == exact.shape
    assert result.is_contiguous(memory_format=torch.channels_last)
    np.testing.assert_allclose(result, exact, rtol=0, atol=TOLERANCE * max(1, float(exact.abs().max())))
    assert torch.equal(images, before)


@pytest.mark.parametrize(("expected", "at_once"), [(4, 4), (5, 3), (8, 4)])
@pytest.mark.parametrize("frames", [1, 2, 5, 9])
def test_any_number_of_frames_meets_the_matrices_as_they_were_packed(frames: int, expected: int, at_once: int) -> None:
    """Packed for 16 tiles, 512 channels were packed again for each batch of 8 tiles, which took a second."""
    random = torch.Generator().manual_seed(0)
    images = torch.rand(frames, 24, 14, 14, generator=random).to(memory_format=torch.channels_last)
    weight = torch.randn(40, 24, 3, 3, generator=random) / 15
    convolution = WinogradConvolution(attributes(activation=None), weight, None, (expected, 24, 14, 14))
    fed: list[torch.Size] = []
    convolution.multiply.register_forward_pre_hook(lambda _, inputs: fed.append(inputs[0].shape))
    result = convolution(images)
    exact = functional.conv2d(images.double(), weight.double(), padding=1)
    np.testing.assert_allclose(result, exact, rtol=0, atol=TOLERANCE * float(exact.abs().max()))
    assert set(fed) == {(1, 36 * 24, 1, at_once * 16)}


OTHERS: dict[str, tuple[dict[str, Any], tuple[int, ...]]] = {
    "one by one": ({"kernel_size": (1, 1), "padding": (0, 0, 0, 0)}, (4, 128, 28, 28)),
    "a stride": ({"stride": (2, 2)}, (4, 128, 28, 28)),
    "dilated": ({"dilation": (2, 2)}, (4, 128, 28, 28)),
    "groups": ({"groups": 2}, (4, 128, 28, 28)),
    "an addition": ({"residual": True}, (4, 128, 28, 28)),
    "few channels": ({"in_channels": 64}, (4, 64, 56, 56)),
    "few tiles": ({}, (1, 128, 7, 7)),
}


@pytest.mark.parametrize(
    ("processor", "halves", "fused", "gains"),
    [
        *(("AVX2", False, True, True), ("AVX2", False, False, False)),
        *(("AVX512", False, True, False), ("AVX512", True, True, True), ("AVX512", True, False, False)),
    ],
)
def test_it_is_used_where_it_gains(
    processor: str, halves: bool, fused: bool, gains: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: processor)
    monkeypatch.setattr(aurorapt.engine.winograd, "halves_wide_instructions", lambda: halves)
    monkeypatch.setattr(aurorapt.engine.winograd, "has_fused_convolutions", lambda: fused)
    for input_shape in ((4, 128, 28, 28), (4, 256, 14, 14), (4, 512, 7, 7)):
        assert gains_by_winograd(attributes(), input_shape) == gains
    assert ("Winograd" in describe_engine()) == gains
    many = gains_by_winograd(attributes(in_channels=512, out_channels=512), (16, 512, 7, 7))
    assert many == (gains and processor == "AVX2"), "their matrices take much memory"


@pytest.mark.parametrize("other", OTHERS)
def test_other_convolutions_stay_as_they_are(other: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aurorapt.engine.winograd, "has_winograd", lambda: True)
    changes, input_shape = OTHERS[other]
    assert not gains_by_winograd(attributes(**changes), input_shape)
