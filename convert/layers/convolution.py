"""Convolutions: kernels are (y, x, in, out) in Keras and (out, in, y, x) in torch."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from ..builder import Value
from .activation import activate
from .options import DATA_FORMAT, PADDING, Options, activation, flag, integer, only, pair
from .registry import LayerCall, Variable, converts
from .windows import padding_sides

_COMMON = {
    "kernel_size": pair(),
    "strides": pair((1, 1)),
    "padding": PADDING,
    "data_format": DATA_FORMAT,
    "dilation_rate": pair((1, 1)),
    "activation": activation(),
    "use_bias": flag(True),
}


def _bias(options: Options) -> list[Variable]:
    return [Variable("bias")] if options["use_bias"] else []


def _convolve(
    call: LayerCall, image: Value, kernel: NDArray[np.float32], groups: int, strided: bool, biased: bool, part: str = ""
) -> Value:
    """Add one convolution; ``strided`` tells whether it is the one with the layer's strides, dilation and padding."""
    out_channels, _, *kernel_size = kernel.shape
    stride, dilation = (call.options["strides"], call.options["dilation_rate"]) if strided else ((1, 1), (1, 1))
    size = (kernel_size[0], kernel_size[1])
    sides = padding_sides(call.options["padding"], image, size, stride, dilation) if strided else (0, 0, 0, 0)
    tensors: Mapping[str, NDArray[np.float32]] = {"weight": kernel}
    if biased:
        tensors = {"weight": kernel, "bias": call.array("bias", (out_channels,))}
    return call.graph.add(
        call.path + part,
        "conv2d",
        [image],
        {
            "in_channels": image.shape[0],
            "out_channels": out_channels,
            "kernel_size": size,
            "stride": stride,
            "dilation": dilation,
            "padding": sides,
            "groups": groups,
            "bias": biased,
        },
        tensors,
    )


@converts(
    "Conv2D",
    "Convolution2D",
    options={**_COMMON, "filters": integer(), "groups": integer(1)},
    variables=lambda options: [Variable("kernel"), *_bias(options)],
)
def convert_convolution(call: LayerCall) -> Value:
    options, image = call.options, call.image
    groups, filters = options["groups"], options["filters"]
    if image.shape[0] % groups or filters % groups:
        raise call.refusal(f"{groups} groups do not divide {image.shape[0]} channels and {filters} filters")
    kernel = call.array("kernel", (*options["kernel_size"], image.shape[0] // groups, filters))
    result = _convolve(call, image, kernel.transpose(3, 2, 0, 1), groups, strided=True, biased=options["use_bias"])
    return activate(call, result)


def _depthwise_kernel(call: LayerCall, image: Value, name: str) -> NDArray[np.float32]:
    options, channels = call.options, image.shape[0]
    shape = (*options["kernel_size"], channels, options["depth_multiplier"])
    kernel = call.array(name, shape).transpose(2, 3, 0, 1)
    return kernel.reshape(channels * options["depth_multiplier"], 1, *options["kernel_size"])


@converts(
    "DepthwiseConv2D",
    options={**_COMMON, "depth_multiplier": integer(1), "groups": only(1), "filters": only(None)},
    variables=lambda options: [
        Variable("depthwise_kernel", other_names=("kernel",)),
        *_bias(options),
    ],
)
def convert_depthwise_convolution(call: LayerCall) -> Value:
    image = call.image
    kernel = _depthwise_kernel(call, image, "depthwise_kernel")
    result = _convolve(call, image, kernel, image.shape[0], strided=True, biased=call.options["use_bias"])
    return activate(call, result)


@converts(
    "SeparableConv2D",
    "SeparableConvolution2D",
    options={**_COMMON, "filters": integer(), "depth_multiplier": integer(1), "groups": only(1)},
    variables=lambda options: [Variable("depthwise_kernel"), Variable("pointwise_kernel"), *_bias(options)],
)
def convert_separable_convolution(call: LayerCall) -> Value:
    image, options = call.image, call.options
    depthwise = _depthwise_kernel(call, image, "depthwise_kernel")
    spread = _convolve(call, image, depthwise, image.shape[0], strided=True, biased=False, part="/depthwise")
    pointwise = call.array("pointwise_kernel", (1, 1, spread.shape[0], options["filters"]))
    kernel = pointwise.transpose(3, 2, 0, 1)
    return activate(call, _convolve(call, spread, kernel, groups=1, strided=False, biased=options["use_bias"]))
