"""The torch module of each operation in a weights file, with the arithmetic of Keras.

Every module is built from its node's attributes as keywords. Images are ``(n, channel, y, x)`` float32.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from aurorapt.network.activations import Exponential, Gelu, HardSigmoid, Prelu, Relu, Softmax

Sides = tuple[int, int, int, int]  # top, bottom, left, right, in pixels
Pair = tuple[int, int]  # y, x


def _pad(images: Tensor, sides: Sides, value: float = 0.0) -> Tensor:
    top, bottom, left, right = sides
    return functional.pad(images, (left, right, top, bottom), value=value) if any(sides) else images


def _is_symmetric(sides: Sides) -> bool:
    return sides[0] == sides[1] and sides[2] == sides[3]


class Conv2d(nn.Module):
    """Convolution whose four sides may be padded differently, as Keras's 'same' padding does with a stride."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair,
        dilation: Pair,
        padding: Sides,
        groups: int,
        bias: bool,
    ) -> None:
        super().__init__()
        self.stride, self.dilation, self.padding, self.groups = stride, dilation, padding, groups
        self.weight = nn.Parameter(torch.empty(out_channels, in_channels // groups, *kernel_size))
        self.bias = nn.Parameter(torch.empty(out_channels)) if bias else None

    def forward(self, images: Tensor) -> Tensor:
        top, _, left, _ = self.padding
        within = (top, left) if _is_symmetric(self.padding) else (0, 0)
        padded = images if _is_symmetric(self.padding) else _pad(images, self.padding)
        return functional.conv2d(padded, self.weight, self.bias, self.stride, within, self.dilation, self.groups)


class Dense(nn.Module):
    """Matrix product over the last axis, whatever the number of axes before it."""

    def __init__(self, in_features: int, out_features: int, bias: bool) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(out_features, in_features))
        self.bias = nn.Parameter(torch.empty(out_features)) if bias else None

    def forward(self, values: Tensor) -> Tensor:
        return functional.linear(values, self.weight, self.bias)


class BatchNorm(nn.Module):
    """Normalisation of axis 1 by recorded means and variances, on any number of axes."""

    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.weight = nn.Parameter(torch.empty(channels))
        self.bias = nn.Parameter(torch.empty(channels))
        self.register_buffer("running_mean", torch.empty(channels))
        self.register_buffer("running_var", torch.empty(channels))

    def forward(self, values: Tensor) -> Tensor:
        return functional.batch_norm(
            values, self.running_mean, self.running_var, self.weight, self.bias, eps=self.epsilon
        )


class LayerNorm(nn.Module):
    """Normalisation of each vector along the last axis by its own mean and variance."""

    def __init__(self, features: int, epsilon: float) -> None:
        super().__init__()
        self.epsilon = epsilon
        self.weight = nn.Parameter(torch.empty(features))
        self.bias = nn.Parameter(torch.empty(features))

    def forward(self, values: Tensor) -> Tensor:
        return functional.layer_norm(values, self.weight.shape, self.weight, self.bias, self.epsilon)


class Affine(nn.Module):
    """Values times a recorded scale plus a recorded offset, each spread over the values."""

    def __init__(self, shape: tuple[int, ...], scale: bool, offset: bool) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.empty(shape)) if scale else None
        self.offset = nn.Parameter(torch.empty(shape)) if offset else None

    def forward(self, values: Tensor) -> Tensor:
        if self.scale is not None:
            values = values * self.scale
        return values if self.offset is None else values + self.offset


class MaxPool2d(nn.Module):
    """Largest value in each window; padding never wins."""

    def __init__(self, kernel_size: Pair, stride: Pair, padding: Sides) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding

    def forward(self, images: Tensor) -> Tensor:
        padded = _pad(images, self.padding, value=float("-inf"))
        return functional.max_pool2d(padded, self.kernel_size, self.stride)


class AveragePool2d(nn.Module):
    """Mean of the pixels in each window; padding is not counted, as in Keras."""

    def __init__(self, kernel_size: Pair, stride: Pair, padding: Sides) -> None:
        super().__init__()
        self.kernel_size, self.stride, self.padding = kernel_size, stride, padding

    def forward(self, images: Tensor) -> Tensor:
        means = functional.avg_pool2d(_pad(images, self.padding), self.kernel_size, self.stride)
        if not any(self.padding):
            return means
        inside = _pad(torch.ones_like(images[:1, :1]), self.padding)
        return means / functional.avg_pool2d(inside, self.kernel_size, self.stride)


class GlobalMaxPool2d(nn.Module):
    def __init__(self, keep_dimensions: bool) -> None:
        super().__init__()
        self.keep_dimensions = keep_dimensions

    def forward(self, images: Tensor) -> Tensor:
        return images.amax(dim=(2, 3), keepdim=self.keep_dimensions)


class GlobalAveragePool2d(nn.Module):
    def __init__(self, keep_dimensions: bool) -> None:
        super().__init__()
        self.keep_dimensions = keep_dimensions

    def forward(self, images: Tensor) -> Tensor:
        return images.mean(dim=(2, 3), keepdim=self.keep_dimensions)


class ZeroPad2d(nn.Module):
    def __init__(self, padding: Sides) -> None:
        super().__init__()
        self.padding = padding

    def forward(self, images: Tensor) -> Tensor:
        return _pad(images, self.padding)


class Crop2d(nn.Module):
    def __init__(self, cropping: Sides) -> None:
        super().__init__()
        self.cropping = cropping

    def forward(self, images: Tensor) -> Tensor:
        top, bottom, left, right = self.cropping
        return images[:, :, top : images.shape[2] - bottom, left : images.shape[3] - right]


class Upsample2d(nn.Module):
    """Enlargement by whole factors: repeated pixels, or bilinear between half-pixel centres."""

    def __init__(self, factor: Pair, mode: str) -> None:
        super().__init__()
        self.factor, self.mode = factor, mode

    def forward(self, images: Tensor) -> Tensor:
        factor = [float(length) for length in self.factor]
        return functional.interpolate(images, scale_factor=factor, mode=self.mode)


class Add(nn.Module):
    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            first = first + other
        return first


class Subtract(nn.Module):
    def forward(self, first: Tensor, second: Tensor) -> Tensor:
        return first - second


class Multiply(nn.Module):
    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            first = first * other
        return first


class Average(nn.Module):
    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        total = first
        for other in others:
            total = total + other
        return total / (1 + len(others))


class Maximum(nn.Module):
    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            first = torch.maximum(first, other)
        return first


class Minimum(nn.Module):
    def forward(self, first: Tensor, *others: Tensor) -> Tensor:
        for other in others:
            first = torch.minimum(first, other)
        return first


class Concatenate(nn.Module):
    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, *values: Tensor) -> Tensor:
        return torch.cat(values, dim=self.axis)


class Flip(nn.Module):
    def __init__(self, axis: int) -> None:
        super().__init__()
        self.axis = axis

    def forward(self, values: Tensor) -> Tensor:
        return values.flip(self.axis)


class Reshape(nn.Module):
    def __init__(self, shape: tuple[int, ...]) -> None:
        super().__init__()
        self.shape = shape

    def forward(self, values: Tensor) -> Tensor:
        return values.reshape(len(values), *self.shape)


class Permute(nn.Module):
    def __init__(self, axes: tuple[int, ...]) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, values: Tensor) -> Tensor:
        return values.permute(0, *self.axes)


LAYERS: Mapping[str, type[nn.Module]] = {
    "conv2d": Conv2d,
    "dense": Dense,
    "batch_norm": BatchNorm,
    "layer_norm": LayerNorm,
    "affine": Affine,
    "relu": Relu,
    "prelu": Prelu,
    "elu": nn.ELU,
    "selu": nn.SELU,
    "gelu": Gelu,
    "silu": nn.SiLU,
    "hard_silu": nn.Hardswish,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "hard_sigmoid": HardSigmoid,
    "softplus": nn.Softplus,
    "softsign": nn.Softsign,
    "exponential": Exponential,
    "softmax": Softmax,
    "max_pool2d": MaxPool2d,
    "average_pool2d": AveragePool2d,
    "global_max_pool2d": GlobalMaxPool2d,
    "global_average_pool2d": GlobalAveragePool2d,
    "zero_pad2d": ZeroPad2d,
    "crop2d": Crop2d,
    "upsample2d": Upsample2d,
    "add": Add,
    "subtract": Subtract,
    "multiply": Multiply,
    "average": Average,
    "maximum": Maximum,
    "minimum": Minimum,
    "concatenate": Concatenate,
    "flip": Flip,
    "flatten": nn.Flatten,
    "reshape": Reshape,
    "permute": Permute,
}


def build_layer(op: str, attributes: Mapping[str, Any]) -> nn.Module:
    """Make the module of one node, its tensors not yet filled in."""
    return LAYERS[op](**attributes)
