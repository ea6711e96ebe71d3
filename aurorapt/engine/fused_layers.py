"""The layers that only the engine has: fused convolutions on weights packed once, and what goes with them."""

import functools
from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

ONEDNN_NAMES = {"relu6": "hardtanh", "silu": "swish", "hard_silu": "hardswish"}
ONEDNN_SCALARS = {"relu6": [0.0, 6.0]}
ACTIVATIONS = {
    "relu": torch.relu_,
    "relu6": functional.relu6,
    "silu": functional.silu,
    "hard_silu": functional.hardswish,
    "tanh": torch.tanh_,
    "sigmoid": torch.sigmoid_,
}


class FusedConvolution(nn.Module):
    """Convolution, then the addition of a second input where there is one, then an activation.

    Parameters
    ----------
    attributes : of the node
    weight, bias : as of a convolution
    input_shape : (n, channel, y, x) that is expected; others work too
    in_place : whether the second input may be overwritten with the result
    """

    def __init__(
        self,
        attributes: Mapping[str, Any],
        weight: Tensor,
        bias: Tensor | None,
        input_shape: tuple[int, ...],
        in_place: bool,
    ) -> None:
        super().__init__()
        self.dtype = weight.dtype
        self.bias = bias
        self.stride, self.dilation, self.groups = (attributes[name] for name in ("stride", "dilation", "groups"))
        top, bottom, left, right = attributes["padding"]
        self.outside = (0, 0, 0, 0) if (top, left) == (bottom, right) else (left, right, top, bottom)
        self.padding = (0, 0) if any(self.outside) else (top, left)
        self.activation = attributes["activation"]
        self.in_place = in_place
        self.fused = has_fused_convolutions()
        self.weight = weight.contiguous(memory_format=torch.channels_last)
        if self.fused:
            n, channels, y, x = input_shape
            padded = [n, channels, y + sum(self.outside[2:]), x + sum(self.outside[:2])]
            self.weight = torch.ops.mkldnn._reorder_convolution_weight(
                self.weight, self.padding, self.stride, self.dilation, self.groups, padded
            )

    def forward(self, images: Tensor, other: Tensor | None = None) -> Tensor:
        images = images.to(self.dtype)
        if any(self.outside):
            images = functional.pad(images, self.outside)
        if not self.fused:
            return self._unfused(images, other)
        shape = (self.weight, self.bias, self.padding, self.stride, self.dilation, self.groups)
        name = ONEDNN_NAMES.get(self.activation, self.activation)
        if other is None:
            scalars = ONEDNN_SCALARS.get(self.activation, [])
            result: Tensor = torch.ops.mkldnn._convolution_pointwise(images, *shape, name or "none", scalars, "")
        elif self.in_place and other.dtype == self.dtype:
            result = torch.ops.mkldnn._convolution_pointwise_(other, images, *shape, "add", None, name, [], "")
        else:
            other = other.to(self.dtype)
            result = torch.ops.mkldnn._convolution_pointwise(images, other, *shape, "add", None, name, [], "")
        return result

    def _unfused(self, images: Tensor, other: Tensor | None) -> Tensor:
        result = functional.conv2d(
            images, self.weight, self.bias, self.stride, self.padding, self.dilation, self.groups
        )
        if other is not None:
            result = result.add_(other)
        return ACTIVATIONS[self.activation](result) if self.activation else result


class Subsample2d(nn.Module):
    """Every so many rows and columns of an image, in memory of its own."""

    def __init__(self, stride: tuple[int, int]) -> None:
        super().__init__()
        self.stride = stride

    def forward(self, images: Tensor) -> Tensor:
        return images[:, :, :: self.stride[0], :: self.stride[1]].clone(memory_format=torch.channels_last)


class InFloat32(nn.Module):
    """A layer that is fed float32, whatever its inputs are."""

    def __init__(self, layer: nn.Module) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, *values: Tensor) -> Tensor:
        result: Tensor = self.layer(*(value.float() for value in values))
        return result


@functools.cache
def has_fused_convolutions() -> bool:
    """Tell whether this torch has oneDNN's fused convolutions, and they work on this processor."""
    image, weight = torch.ones(1, 1, 2, 2), torch.ones(1, 1, 1, 1)
    place = ((0, 0), (1, 1), (1, 1), 1)
    try:
        packed = torch.ops.mkldnn._reorder_convolution_weight(weight, *place, [1, 1, 2, 2])
        result = torch.ops.mkldnn._convolution_pointwise(image, packed, None, *place, "relu", [], "")
        result = torch.ops.mkldnn._convolution_pointwise_(
            result, image, packed, None, *place, "add", None, "relu", [], ""
        )
    except (AttributeError, RuntimeError):
        return False
    return bool((result == 2).all())


def has_bfloat16() -> bool:
    """Tell whether this processor computes in bfloat16."""
    try:
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    except (AttributeError, RuntimeError):
        return False
