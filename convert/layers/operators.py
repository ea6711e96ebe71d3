"""Operations called without a layer, such as ``x + 3.0``, as both versions of Keras write them.

Keras 2 records the name of the TensorFlow function (class ``TFOpLambda``), Keras 3 a class for each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..builder import Value
from ..keras_model import Layer
from .activation import FUNCTIONS
from .arithmetic import add, bias_add, divide, extremum, multiply, subtract
from .operator_call import OperatorCall
from .rearranging import concatenate, pad, reduction, reshape_all, slice_backwards, softmax

KERAS_2_CLASSES = ("TFOpLambda", "SlicingOpLambda")


def is_operator(layer: Layer) -> bool:
    """Tell operations from layers: Keras 3 gives only layers a dtype or the option trainable."""
    if layer.model is not None or layer.class_name == "InputLayer":
        return False
    return layer.class_name in KERAS_2_CLASSES or not layer.options.keys() & {"trainable", "dtype"}


def convert_operator(call: OperatorCall) -> Value:
    """Add the nodes of an operation.

    Raises
    ------
    ConversionError
        Naming the operation if it, or one of its arguments, cannot be converted.
    """
    name = operator_name(call.layer)
    operator = OPERATORS.get(name)
    if operator is None:
        raise call.refusal(f"operation {name!r:.80} cannot be converted")
    given = set(call.keywords) | set(call.layer.options) - {"name", "trainable", "dtype", "function"}
    if odd := given - operator.keywords:
        raise call.refusal(f"operation {name!r:.80} with {', '.join(sorted(odd))} cannot be converted")
    return operator.convert(call)


def operator_name(layer: Layer) -> str:
    """Give the name of an operation: that of TensorFlow's function, or of Keras 3's class."""
    return str(layer.options.get("function")) if layer.class_name in KERAS_2_CLASSES else layer.class_name


def _function(name: str, **parameters: str) -> Callable[[OperatorCall], Value]:
    """Make the conversion of an activation function; ``parameters`` are attributes by the names the file has."""

    def apply(call: OperatorCall) -> Value:
        op, attributes = FUNCTIONS[name](call.writer.major)
        given = {attribute: call.parameter(parameter) for parameter, attribute in parameters.items()}
        said = {attribute: value for attribute, value in given.items() if value is not None}
        return call.graph.add(call.path, op, [call.value], {**attributes, **said})

    return apply


@dataclass(frozen=True)
class _Operator:
    convert: Callable[[OperatorCall], Value]
    keywords: frozenset[str] = frozenset()


_ARITHMETIC = frozenset({"y", "x2"})
_REDUCTION = frozenset({"axis", "keepdims"})

OPERATORS: Mapping[str, _Operator] = {
    "__operators__.add": _Operator(add, _ARITHMETIC),
    "math.add": _Operator(add, _ARITHMETIC),
    "Add": _Operator(add, _ARITHMETIC),
    "math.multiply": _Operator(multiply, _ARITHMETIC),
    "Multiply": _Operator(multiply, _ARITHMETIC),
    "math.subtract": _Operator(subtract, _ARITHMETIC),
    "Subtract": _Operator(subtract, _ARITHMETIC),
    "math.truediv": _Operator(divide, _ARITHMETIC),
    "math.divide": _Operator(divide, _ARITHMETIC),
    "TrueDivide": _Operator(divide, _ARITHMETIC),
    "Divide": _Operator(divide, _ARITHMETIC),
    "nn.bias_add": _Operator(bias_add, frozenset({"bias", "data_format"})),
    "__operators__.getitem": _Operator(slice_backwards, frozenset({"slice_spec"})),
    "nn.relu": _Operator(_function("relu")),
    "Relu": _Operator(_function("relu")),
    "nn.relu6": _Operator(_function("relu6")),
    "Relu6": _Operator(_function("relu6")),
    "math.sigmoid": _Operator(_function("sigmoid")),
    "Sigmoid": _Operator(_function("sigmoid")),
    "nn.silu": _Operator(_function("silu")),
    "Silu": _Operator(_function("silu")),
    "math.tanh": _Operator(_function("tanh")),
    "Tanh": _Operator(_function("tanh")),
    "nn.leaky_relu": _Operator(_function("leaky_relu", alpha="negative_slope"), frozenset({"alpha"})),
    "LeakyRelu": _Operator(_function("leaky_relu", negative_slope="negative_slope"), frozenset({"negative_slope"})),
    "nn.elu": _Operator(_function("elu")),
    "Elu": _Operator(_function("elu", alpha="alpha"), frozenset({"alpha"})),
    "nn.gelu": _Operator(_function("gelu", approximate="approximate"), frozenset({"approximate"})),
    "Gelu": _Operator(_function("gelu", approximate="approximate"), frozenset({"approximate"})),
    "nn.softmax": _Operator(softmax, frozenset({"axis"})),
    "Softmax": _Operator(softmax, frozenset({"axis"})),
    "math.reduce_mean": _Operator(reduction("global_average_pool2d"), _REDUCTION),
    "Mean": _Operator(reduction("global_average_pool2d"), _REDUCTION),
    "math.reduce_max": _Operator(reduction("global_max_pool2d"), _REDUCTION),
    "Max": _Operator(reduction("global_max_pool2d"), _REDUCTION | {"initial"}),
    "concat": _Operator(concatenate, frozenset({"axis"})),
    "Concatenate": _Operator(concatenate, frozenset({"axis"})),
    "reshape": _Operator(reshape_all, frozenset({"shape"})),
    "Reshape": _Operator(reshape_all, frozenset({"newshape"})),
    "math.maximum": _Operator(extremum("maximum"), _ARITHMETIC),
    "Maximum": _Operator(extremum("maximum"), _ARITHMETIC),
    "math.minimum": _Operator(extremum("minimum"), _ARITHMETIC),
    "Minimum": _Operator(extremum("minimum"), _ARITHMETIC),
    "compat.v1.pad": _Operator(pad, frozenset({"paddings", "mode", "constant_values"})),
    "pad": _Operator(pad, frozenset({"paddings", "mode", "constant_values"})),
    "Pad": _Operator(pad, frozenset({"pad_width", "mode", "constant_values"})),
}
