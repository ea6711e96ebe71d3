"""Activations, as layers of their own and as the ``activation`` option of other layers."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from ..builder import Value
from ..keras_model import Layer
from .options import REQUIRED, activation, axes, number, one_axis, optional_number, parse_options
from .registry import LayerCall, Variable, converts, find_handler

_PLAIN_RELU = {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}

# Function name in the file to operation and attributes; where the versions of Keras differ, by the version.
FUNCTIONS: Mapping[str, Callable[[int], tuple[str, dict[str, Any]]]] = {
    "relu": lambda major: ("relu", _PLAIN_RELU),
    "relu6": lambda major: ("relu", _PLAIN_RELU | {"max_value": 6.0}),
    "leaky_relu": lambda major: ("relu", _PLAIN_RELU | {"negative_slope": 0.2}),
    "elu": lambda major: ("elu", {"alpha": 1.0}),
    "selu": lambda major: ("selu", {}),
    "gelu": lambda major: ("gelu", {"approximate": False}),
    "silu": lambda major: ("silu", {}),
    "swish": lambda major: ("silu", {}),
    "hard_silu": lambda major: ("hard_silu", {}),
    "hard_swish": lambda major: ("hard_silu", {}),
    "tanh": lambda major: ("tanh", {}),
    "sigmoid": lambda major: ("sigmoid", {}),
    "hard_sigmoid": lambda major: ("hard_sigmoid", {"slope": 0.2 if major == 2 else 1 / 6}),
    "softplus": lambda major: ("softplus", {}),
    "softsign": lambda major: ("softsign", {}),
    "exponential": lambda major: ("exponential", {}),
}
FUNCTION_NAMES = ("linear", *FUNCTIONS, "softmax")


def activate(call: LayerCall, value: Value) -> Value:
    """Apply the layer's ``activation`` option to a value."""
    function = call.options["activation"]
    if isinstance(function, Layer):
        return _apply_layer(call, function, value)
    if function == "linear":
        return value
    name = f"{call.path}/{function}"
    if function == "softmax":
        return call.graph.add(name, "softmax", [value], {"axis": value.torch_axis(-1)})
    if function not in FUNCTIONS:
        raise call.refusal(f"activation {function!r:.60} cannot be converted")
    op, attributes = FUNCTIONS[function](call.writer.major)
    return call.graph.add(name, op, [value], attributes)


def _apply_layer(call: LayerCall, layer: Layer, value: Value) -> Value:
    handler = find_handler(layer)
    options = parse_options(layer, handler.options)
    if layer.class_name not in LAYERS_AS_FUNCTIONS:
        raise call.refusal(f"a {layer.class_name:.60} layer as activation cannot be converted")
    path = f"{call.path}/{layer.name}"
    return handler.convert(replace(call, layer=layer, path=path, options=options, arrays={}, inputs=[value]))


LAYERS_AS_FUNCTIONS = ("Activation", "ReLU", "LeakyReLU", "ELU", "Softmax")

# What every version of Keras writes is required of these layers: one of the same name that lacks it is someone's own.


@converts("Activation", options={"activation": activation(REQUIRED)})
def convert_activation(call: LayerCall) -> Value:
    return activate(call, call.input)


@converts(
    "ReLU",
    options={"max_value": optional_number(), "negative_slope": number(0.0), "threshold": number(0.0)},
)
def convert_relu(call: LayerCall) -> Value:
    attributes = {name: call.options[name] for name in _PLAIN_RELU}
    return call.graph.add(call.path, "relu", [call.input], attributes)


@converts("LeakyReLU", options={"alpha": optional_number(None), "negative_slope": optional_number(None)})
def convert_leaky_relu(call: LayerCall) -> Value:
    slope = call.options["alpha" if call.writer.major == 2 else "negative_slope"]
    if slope is None:
        raise call.refusal("its slope is missing")
    return call.graph.add(call.path, "relu", [call.input], _PLAIN_RELU | {"negative_slope": slope})


@converts("ThresholdedReLU", options={"theta": number()})
def convert_thresholded_relu(call: LayerCall) -> Value:
    attributes = _PLAIN_RELU | {"threshold": call.options["theta"]}
    return call.graph.add(call.path, "relu", [call.input], attributes)


@converts("ELU", options={"alpha": number()})
def convert_elu(call: LayerCall) -> Value:
    return call.graph.add(call.path, "elu", [call.input], {"alpha": call.options["alpha"]})


@converts("Softmax", options={"axis": one_axis(REQUIRED)})
def convert_softmax(call: LayerCall) -> Value:
    axis = call.input.torch_axis(call.options["axis"])
    return call.graph.add(call.path, "softmax", [call.input], {"axis": axis})


@converts("PReLU", options={"shared_axes": axes(default=())}, variables=lambda options: [Variable("alpha")])
def convert_prelu(call: LayerCall) -> Value:
    value = call.input
    shared = call.options["shared_axes"]
    shape = tuple(1 if axis in shared else size for axis, size in enumerate(value.keras_shape, start=1))
    alpha = call.array("alpha", shape)
    alpha = alpha.transpose(2, 0, 1) if value.channels_first else alpha
    return call.graph.add(call.path, "prelu", [value], {"shape": alpha.shape}, {"weight": alpha})
