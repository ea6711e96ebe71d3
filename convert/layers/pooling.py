"""Pooling over windows and over whole images."""

from ..builder import Value
from .options import DATA_FORMAT, PADDING, flag, optional_pair, pair
from .registry import LayerCall, converts
from .windows import padding_sides

_WINDOW = {"pool_size": pair((2, 2)), "strides": optional_pair(), "padding": PADDING, "data_format": DATA_FORMAT}
_GLOBAL = {"data_format": DATA_FORMAT, "keepdims": flag(False)}


def _pool(call: LayerCall, op: str) -> Value:
    image, size = call.image, call.options["pool_size"]
    stride = call.options["strides"] or size
    sides = padding_sides(call.options["padding"], image, size, stride)
    uneven = sides[0] != sides[1] or sides[2] != sides[3]
    if op == "average_pool2d" and uneven and call.writer.may_be_of("torch"):
        raise call.refusal(
            f"padding='same' of {image.shape[1:]} pixels by {size} in steps of {stride} has another meaning on torch, "
            "and the file does not rule torch out; a file .h5 saved by Keras on TensorFlow or JAX does"
        )
    return call.graph.add(call.path, op, [image], {"kernel_size": size, "stride": stride, "padding": sides})


def _pool_globally(call: LayerCall, op: str) -> Value:
    image, keep = call.image, call.options["keepdims"]
    return call.graph.add(
        call.path, op, [image], {"keep_dimensions": keep}, channels_first=image.channels_first and keep
    )


@converts("MaxPooling2D", "MaxPool2D", options=_WINDOW)
def convert_max_pooling(call: LayerCall) -> Value:
    return _pool(call, "max_pool2d")


@converts(
    "AveragePooling2D",
    "AvgPool2D",
    options=_WINDOW,
    refuses="uneven padding where the file may be of Keras on torch, which pads otherwise",
)
def convert_average_pooling(call: LayerCall) -> Value:
    return _pool(call, "average_pool2d")


@converts("GlobalMaxPooling2D", "GlobalMaxPool2D", options=_GLOBAL)
def convert_global_max_pooling(call: LayerCall) -> Value:
    return _pool_globally(call, "global_max_pool2d")


@converts("GlobalAveragePooling2D", "GlobalAvgPool2D", options=_GLOBAL)
def convert_global_average_pooling(call: LayerCall) -> Value:
    return _pool_globally(call, "global_average_pool2d")
