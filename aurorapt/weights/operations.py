"""The operations a network in a weights file may use: their attributes, their tensors and the shapes they give.

Shapes leave out the batch axis; an image is ``(channel, y, x)``. Axis numbers count the batch axis, as torch does, so
axis 1 of an image is its channels. Nothing here needs torch: a weights file is proved sound before torch is loaded.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aurorapt.errors import WeightsError
from aurorapt.weights.attributes import (
    AXIS,
    COUNT,
    FLAG,
    NUMBER,
    OPTIONAL_NUMBER,
    PAIR,
    POSITIVE_NUMBER,
    SHAPE,
    SIDES,
    UPSAMPLING,
    Attribute,
    require,
)

Shape = tuple[int, ...]
Attributes = Mapping[str, Any]

LARGEST_OUTPUT = 2**27  # values an operation may give for one image: half a gibibyte of float32
MOST_INPUTS = 1024  # of one operation; DenseNet concatenates two, NASNet six


@dataclass(frozen=True)
class Operation:
    """One kind of node: how many inputs it takes, its attributes, its tensors and its output shape."""

    output_shape: Callable[[Attributes, list[Shape]], Shape]
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    parameters: Callable[[Attributes, list[Shape]], dict[str, Shape]] = lambda attributes, shapes: {}
    fewest_inputs: int = 1
    most_inputs: int = 1


def infer_shapes(op: str, attributes: Attributes, inputs: list[Shape]) -> tuple[Shape, dict[str, Shape]]:
    """Check one node and say what it gives and needs.

    Parameters
    ----------
    op : name in `OPERATIONS`
    attributes : attribute name to value; exactly those of the operation
    inputs : shape of each input, without the batch axis

    Returns
    -------
    output_shape : shape of the node's result, without the batch axis
    parameters : tensor name to shape

    Raises
    ------
    WeightsError
        For an unknown operation, a missing, unknown or impossible attribute, or inputs that do not fit.
    """
    operation = OPERATIONS.get(op)
    if operation is None:
        raise WeightsError(f"unknown operation {op!r:.60}")
    if not operation.fewest_inputs <= len(inputs) <= operation.most_inputs:
        raise WeightsError(f"{op} cannot take {len(inputs)} inputs")
    if odd := set(operation.attributes) ^ set(attributes):
        raise WeightsError(f"{op} has missing or unknown attributes: {', '.join(sorted(odd)):.200}")
    for name, attribute in operation.attributes.items():
        if not attribute.accepts(attributes[name]):
            raise WeightsError(f"{op}: {name} must be {attribute.wanted}, not {attributes[name]!r:.60}")
    output = operation.output_shape(attributes, inputs)
    if any(size < 1 for size in output):
        raise WeightsError(f"{op} of {_text(inputs)} leaves nothing: {_text([output])}")
    if math.prod(output) > LARGEST_OUTPUT:
        raise WeightsError(f"{op} gives {_text([output])} values for one image, more than {LARGEST_OUTPUT}")
    return output, operation.parameters(attributes, inputs)


def _text(shapes: list[Shape]) -> str:
    return " and ".join("x".join(map(str, shape)) for shape in shapes)


def _require_image(shape: Shape) -> None:
    require(len(shape) == 3, f"expects an image (channel, y, x), not {_text([shape])}")


def _same(attributes: Attributes, shapes: list[Shape]) -> Shape:
    return shapes[0]


def _window(size: Shape, kernel: Shape, stride: Shape, sides: Shape, dilation: Shape = (1, 1)) -> tuple[int, int]:
    padded = (size[0] + sides[0] + sides[1], size[1] + sides[2] + sides[3])
    reach = [(length - 1) * step + 1 for length, step in zip(kernel, dilation, strict=True)]
    y, x = ((whole - length) // step + 1 for whole, length, step in zip(padded, reach, stride, strict=True))
    return y, x


def _convolution_shape(attributes: Attributes, shapes: list[Shape]) -> Shape:
    _require_image(shapes[0])
    into, out, groups = attributes["in_channels"], attributes["out_channels"], attributes["groups"]
    require(shapes[0][0] == into, f"expects {into} channels, not {shapes[0][0]}")
    require(into % groups == 0 and out % groups == 0, f"{groups} groups do not divide {into} and {out} channels")
    return out, *_window(
        shapes[0][1:],
        attributes["kernel_size"],
        attributes["stride"],
        attributes["padding"],
        attributes["dilation"],
    )


def _convolution_parameters(attributes: Attributes, shapes: list[Shape]) -> dict[str, Shape]:
    out = attributes["out_channels"]
    per_group = attributes["in_channels"] // attributes["groups"]
    kernel = (out, per_group, *attributes["kernel_size"])
    return {"weight": kernel, "bias": (out,)} if attributes["bias"] else {"weight": kernel}


def _dense_shape(attributes: Attributes, shapes: list[Shape]) -> Shape:
    wanted = attributes["in_features"]
    require(shapes[0][-1] == wanted, f"expects {wanted} features, not {shapes[0][-1]}")
    return *shapes[0][:-1], attributes["out_features"]


def _dense_parameters(attributes: Attributes, shapes: list[Shape]) -> dict[str, Shape]:
    out = attributes["out_features"]
    kernel = (out, attributes["in_features"])
    return {"weight": kernel, "bias": (out,)} if attributes["bias"] else {"weight": kernel}


def _batch_norm_shape(attributes: Attributes, shapes: list[Shape]) -> Shape:
    channels = attributes["channels"]
    require(shapes[0][0] == channels, f"expects {channels} channels, not {shapes[0][0]}")
    return shapes[0]


def _batch_norm_parameters(attributes: Attributes, shapes: list[Shape]) -> dict[str, Shape]:
    return dict.fromkeys(("weight", "bias", "running_mean", "running_var"), (attributes["channels"],))


def _layer_norm_shape(attributes: Attributes, shapes: list[Shape]) -> Shape:
    features = attributes["features"]
    require(shapes[0][-1] == features, f"expects {features} features, not {shapes[0][-1]}")
    return shapes[0]


def _layer_norm_parameters(attributes: Attributes, shapes: list[Shape]) -> dict[str, Shape]:
    return dict.fromkeys(("weight", "bias"), (attributes["features"],))


def _broadcast_onto_input(attributes: Attributes, shapes: list[Shape]) -> Shape:
    shape = attributes["shape"]
    fits = len(shape) == len(shapes[0]) and all(
        size in (1, whole) for size, whole in zip(shape, shapes[0], strict=True)
    )
    require(fits, f"a tensor of {_text([shape])} does not spread over {_text(shapes)}")
    return shapes[0]


def _affine_parameters(attributes: Attributes, shapes: list[Shape]) -> dict[str, Shape]:
    return {name: attributes["shape"] for name in ("scale", "offset") if attributes[name]}


def _prelu_parameters(attributes: Attributes, shapes: list[Shape]) -> dict[str, Shape]:
    return {"weight": attributes["shape"]}


def _axis_exists(attributes: Attributes, shapes: list[Shape]) -> Shape:
    require(attributes["axis"] <= len(shapes[0]), f"there is no axis {attributes['axis']} in {_text(shapes)}")
    return shapes[0]


def _pooling_shape(attributes: Attributes, shapes: list[Shape]) -> Shape:
    _require_image(shapes[0])
    kernel, sides = attributes["kernel_size"], attributes["padding"]
    inside = max(sides[:2]) < kernel[0] and max(sides[2:]) < kernel[1]
    require(inside, "padding as wide as the window would pool padding alone")
    return shapes[0][0], *_window(shapes[0][1:], kernel, attributes["stride"], sides)


def _global_pooling_shape(attributes: Attributes, shapes: list[Shape]) -> Shape:
    _require_image(shapes[0])
    return (shapes[0][0], 1, 1) if attributes["keep_dimensions"] else shapes[0][:1]


def _padded_shape(attributes: Attributes, shapes: list[Shape]) -> Shape:
    _require_image(shapes[0])
    top, bottom, left, right = attributes["padding"]
    return shapes[0][0], shapes[0][1] + top + bottom, shapes[0][2] + left + right


def _cropped_shape(attributes: Attributes, shapes: list[Shape]) -> Shape:
    _require_image(shapes[0])
    top, bottom, left, right = attributes["cropping"]
    return shapes[0][0], shapes[0][1] - top - bottom, shapes[0][2] - left - right


def _upsampled_shape(attributes: Attributes, shapes: list[Shape]) -> Shape:
    _require_image(shapes[0])
    return shapes[0][0], shapes[0][1] * attributes["factor"][0], shapes[0][2] * attributes["factor"][1]


def _broadcast_shape(attributes: Attributes, shapes: list[Shape]) -> Shape:
    require(len({len(shape) for shape in shapes}) == 1, f"cannot combine {_text(shapes)}")
    sizes = [set(sizes) - {1} for sizes in zip(*shapes, strict=True)]
    require(all(len(size) < 2 for size in sizes), f"cannot combine {_text(shapes)}")
    return tuple(size.pop() if size else 1 for size in sizes)


def _concatenated_shape(attributes: Attributes, shapes: list[Shape]) -> Shape:
    place = attributes["axis"] - 1
    _axis_exists(attributes, shapes)
    rest = {(len(shape), shape[:place], shape[place + 1 :]) for shape in shapes}
    require(len(rest) == 1, f"cannot concatenate {_text(shapes)}")
    return *shapes[0][:place], sum(shape[place] for shape in shapes), *shapes[0][place + 1 :]


def _flattened_shape(attributes: Attributes, shapes: list[Shape]) -> Shape:
    return (math.prod(shapes[0]),)


def _reshaped_shape(attributes: Attributes, shapes: list[Shape]) -> Shape:
    shape: Shape = attributes["shape"]
    require(math.prod(shape) == math.prod(shapes[0]), f"{_text(shapes)} values do not fill {_text([shape])}")
    return shape


def _permuted_shape(attributes: Attributes, shapes: list[Shape]) -> Shape:
    axes = attributes["axes"]
    require(sorted(axes) == list(range(1, len(shapes[0]) + 1)), f"{axes} does not permute {_text(shapes)}")
    return tuple(shapes[0][axis - 1] for axis in axes)


def _elementwise(**attributes: Attribute) -> Operation:
    return Operation(_same, attributes)


def _merging(fewest: int, most: int) -> Operation:
    return Operation(_broadcast_shape, fewest_inputs=fewest, most_inputs=most)


_POOLING = {"kernel_size": PAIR, "stride": PAIR, "padding": SIDES}

OPERATIONS: Mapping[str, Operation] = {
    "conv2d": Operation(
        _convolution_shape,
        {
            "in_channels": COUNT,
            "out_channels": COUNT,
            "kernel_size": PAIR,
            "stride": PAIR,
            "dilation": PAIR,
            "padding": SIDES,
            "groups": COUNT,
            "bias": FLAG,
        },
        _convolution_parameters,
    ),
    "dense": Operation(_dense_shape, {"in_features": COUNT, "out_features": COUNT, "bias": FLAG}, _dense_parameters),
    "batch_norm": Operation(_batch_norm_shape, {"channels": COUNT, "epsilon": POSITIVE_NUMBER}, _batch_norm_parameters),
    "layer_norm": Operation(_layer_norm_shape, {"features": COUNT, "epsilon": POSITIVE_NUMBER}, _layer_norm_parameters),
    "affine": Operation(_broadcast_onto_input, {"shape": SHAPE, "scale": FLAG, "offset": FLAG}, _affine_parameters),
    "relu": _elementwise(max_value=OPTIONAL_NUMBER, negative_slope=NUMBER, threshold=NUMBER),
    "prelu": Operation(_broadcast_onto_input, {"shape": SHAPE}, _prelu_parameters),
    "elu": _elementwise(alpha=NUMBER),
    "selu": _elementwise(),
    "gelu": _elementwise(approximate=FLAG),
    "silu": _elementwise(),
    "hard_silu": _elementwise(),
    "tanh": _elementwise(),
    "sigmoid": _elementwise(),
    "hard_sigmoid": _elementwise(slope=POSITIVE_NUMBER),
    "softplus": _elementwise(),
    "softsign": _elementwise(),
    "exponential": _elementwise(),
    "softmax": Operation(_axis_exists, {"axis": AXIS}),
    "max_pool2d": Operation(_pooling_shape, _POOLING),
    "average_pool2d": Operation(_pooling_shape, _POOLING),
    "global_max_pool2d": Operation(_global_pooling_shape, {"keep_dimensions": FLAG}),
    "global_average_pool2d": Operation(_global_pooling_shape, {"keep_dimensions": FLAG}),
    "zero_pad2d": Operation(_padded_shape, {"padding": SIDES}),
    "crop2d": Operation(_cropped_shape, {"cropping": SIDES}),
    "upsample2d": Operation(_upsampled_shape, {"factor": PAIR, "mode": UPSAMPLING}),
    "add": _merging(2, MOST_INPUTS),
    "subtract": _merging(2, 2),
    "multiply": _merging(2, MOST_INPUTS),
    "average": _merging(2, MOST_INPUTS),
    "maximum": _merging(2, MOST_INPUTS),
    "minimum": _merging(2, MOST_INPUTS),
    "concatenate": Operation(_concatenated_shape, {"axis": AXIS}, fewest_inputs=2, most_inputs=MOST_INPUTS),
    "flip": Operation(_axis_exists, {"axis": AXIS}),
    "flatten": Operation(_flattened_shape),
    "reshape": Operation(_reshaped_shape, {"shape": SHAPE}),
    "permute": Operation(_permuted_shape, {"axes": SHAPE}),
}
