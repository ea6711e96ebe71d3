"""Layers that move, add or drop pixels and axes."""

from math import prod

from ..builder import Value
from .options import DATA_FORMAT, axes, sides, sizes
from .registry import LayerCall, converts


@converts("Flatten", options={"data_format": DATA_FORMAT})
def convert_flatten(call: LayerCall) -> Value:
    value = call.graph.keras_order(call.input)
    if call.options["data_format"] == "channels_first" and len(value.shape) > 1:
        # Keras flattens with the channels last, whatever the format
        order = (*range(2, len(value.shape) + 1), 1)
        value = call.graph.add(f"{call.path}/channels_last", "permute", [value], {"axes": order})
    return call.graph.add(call.path, "flatten", [value])


@converts("Reshape", options={"target_shape": sizes()})
def convert_reshape(call: LayerCall) -> Value:
    return reshape(call, call.options["target_shape"])


def reshape(call: LayerCall, target: tuple[int, ...]) -> Value:
    """Reshape in Keras's order of axes; one size may be -1."""
    value = call.graph.keras_order(call.input)
    known = prod(size for size in target if size != -1)
    if target.count(-1) > 1 or known == 0 or prod(value.shape) % known:
        raise call.refusal(f"{value.shape} cannot become {target}")
    shape = tuple(prod(value.shape) // known if size == -1 else size for size in target)
    return call.graph.add(call.path, "reshape", [value], {"shape": shape})


@converts("Permute", options={"dims": axes()})
def convert_permute(call: LayerCall) -> Value:
    value = call.graph.keras_order(call.input)
    return call.graph.add(call.path, "permute", [value], {"axes": call.options["dims"]})


@converts("ZeroPadding2D", options={"padding": sides((1, 1)), "data_format": DATA_FORMAT})
def convert_zero_padding(call: LayerCall) -> Value:
    return call.graph.add(call.path, "zero_pad2d", [call.image], {"padding": call.options["padding"]})


@converts("Cropping2D", options={"cropping": sides(((0, 0), (0, 0))), "data_format": DATA_FORMAT})
def convert_cropping(call: LayerCall) -> Value:
    return call.graph.add(call.path, "crop2d", [call.image], {"cropping": call.options["cropping"]})
