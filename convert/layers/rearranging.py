"""Operations along the axes of a result: means, softmax, joining, reshaping, padding."""

from collections.abc import Callable
from math import prod
from typing import Any

from ..builder import Value
from .operator_call import OperatorCall


def slice_backwards(call: OperatorCall) -> Value:
    """Reverse the last axis, which turns red, green, blue round; other slices are refused."""
    whole_backwards = {"start": None, "stop": None, "step": -1}
    first, *rest = call.keywords.get("slice_spec") or [None]
    if first != {"class_name": "__ellipsis__"} or rest != [whole_backwards]:
        raise call.refusal("of all slices only [..., ::-1] can be converted")
    value = call.value
    return call.graph.add(call.path, "flip", [value], {"axis": value.torch_axis(-1)})


def softmax(call: OperatorCall) -> Value:
    """Convert a softmax over one axis, the last one unless it is said."""
    axis = call.parameter("axis")
    if axis is not None and type(axis) is not int:
        raise call.refusal(f"axis={axis!r:.40} cannot be converted")
    value = call.value
    return call.graph.add(call.path, "softmax", [value], {"axis": value.torch_axis(-1 if axis is None else axis)})


def concatenate(call: OperatorCall) -> Value:
    """Join results of layers along one axis."""
    (values,) = call.arguments if len(call.arguments) == 1 else (None,)
    axis = call.parameter("axis")
    if not isinstance(values, list) or not all(isinstance(value, Value) for value in values) or type(axis) is not int:
        raise call.refusal("must join results of layers along one axis")
    alike = call.graph.alike(values)
    return call.graph.add(call.path, "concatenate", alike, {"axis": alike[0].torch_axis(axis)})


def reshape_all(call: OperatorCall) -> Value:
    """Reshape each image; the first size is that of the batch and must be open."""
    value, target = call.graph.keras_order(call.value), call.parameter("newshape", call.parameter("shape"))
    whole = isinstance(target, (list, tuple)) and all(type(size) is int for size in target)
    if not whole or target[:1] not in ([-1], (-1,)) or prod(target[1:]) != prod(value.shape) or len(target) < 2:
        raise call.refusal(f"shape={target!r:.80} cannot be converted: it must keep each image, {value.shape}, whole")
    return call.graph.add(call.path, "reshape", [value], {"shape": tuple(target[1:])})


def reduction(op: str) -> Callable[[OperatorCall], Value]:
    """Make the conversion of a mean or maximum along axes, out of that over whole images."""

    def convert(call: OperatorCall) -> Value:
        value, keep = call.value, call.parameter("keepdims", False)
        if type(keep) is not bool or call.parameter("initial") is not None:
            raise call.refusal("only with keepdims=True or False, and no initial value, can it be converted")
        reduced = _axes(call, value)
        if len(value.shape) == 3 and reduced == (1, 2):
            image = call.graph.with_channels_first(value)
            return call.graph.add(call.path, op, [image], {"keep_dimensions": keep}, channels_first=keep)
        return _reduce(call, op, call.graph.keras_order(value), reduced, keep)

    return convert


def _axes(call: OperatorCall, value: Value) -> tuple[int, ...]:
    axis, rank = call.parameter("axis"), len(value.shape) + 1
    axes = axis if isinstance(axis, (list, tuple)) else [axis]
    if not all(type(item) is int and -rank <= item < rank for item in axes):
        raise call.refusal(f"axis={axis!r:.40} cannot be converted: it must name axes of an image")
    reduced = tuple(sorted({item % rank for item in axes}))
    if not reduced or 0 in reduced:
        raise call.refusal(f"axis={axis!r:.40} mixes the images of a batch")
    return reduced


def _reduce(call: OperatorCall, op: str, value: Value, reduced: tuple[int, ...], keep: bool) -> Value:
    kept = tuple(axis for axis in range(1, len(value.shape) + 1) if axis not in reduced)
    sizes = [prod(value.shape[axis - 1] for axis in axes) for axes in (kept, reduced)]
    shape = tuple(
        1 if axis in reduced else size for axis, size in enumerate(value.shape, start=1) if keep or axis in kept
    )
    if not shape:
        raise call.refusal("leaves one number for each image, without an axis")
    ordered = call.graph.add(f"{call.path}/ordered", "permute", [value], {"axes": (*kept, *reduced)})
    image = call.graph.add(f"{call.path}/image", "reshape", [ordered], {"shape": (sizes[0], sizes[1], 1)})
    result = call.graph.add(f"{call.path}/reduced", op, [image], {"keep_dimensions": False})
    return call.graph.add(call.path, "reshape", [result], {"shape": shape})


def pad(call: OperatorCall) -> Value:
    """Put zeros around images, or before and after their channels."""
    sides = call.parameter("pad_width", call.parameter("paddings"))
    mode, constant = call.parameter("mode", "constant"), call.parameter("constant_values")
    value = call.value
    if str(mode).lower() != "constant" or constant not in (None, 0) or not _are_sides(sides) or len(value.shape) != 3:
        raise call.refusal("only zeros around images, (batch, y, x, channel), can be converted")
    (_, _), (top, bottom), (left, right), (before, after) = sides
    if top or bottom or left or right or not (before or after):
        image = call.graph.with_channels_first(value)
        value = call.graph.add(f"{call.path}/image", "zero_pad2d", [image], {"padding": (top, bottom, left, right)})
    if before or after:
        value = call.graph.keras_order(value)
        value = call.graph.add(f"{call.path}/channels", "zero_pad2d", [value], {"padding": (0, 0, before, after)})
    return value


def _are_sides(sides: Any) -> bool:
    pairs = isinstance(sides, (list, tuple)) and len(sides) == 4 and all(_is_pair(pair) for pair in sides)
    return pairs and tuple(sides[0]) == (0, 0)


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, (list, tuple)) and len(pair) == 2 and all(type(side) is int and side >= 0 for side in pair)
