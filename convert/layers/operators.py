"""Operations called without a layer, such as ``x + 3.0``, as both versions of Keras write them.

Keras 2 records the name of the TensorFlow function (class ``TFOpLambda``), Keras 3 a class for each.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from aurorapt.errors import ConversionError

from ..builder import KerasGraph, Value
from ..keras_model import Layer
from ..writer import Writer
from .activation import FUNCTIONS
from .options import refusal

KERAS_2_CLASSES = ("TFOpLambda", "SlicingOpLambda")


@dataclass(frozen=True)
class OperatorCall:
    """One call of an operation: ``arguments`` are values and numbers, or nested lists of numbers."""

    layer: Layer
    path: str
    arguments: tuple[Any, ...]
    keywords: Mapping[str, Any]
    writer: Writer
    graph: KerasGraph

    def refusal(self, reason: str) -> ConversionError:
        """Make the error that names the operation."""
        return refusal(self.layer, reason)

    def operands(self) -> list[Any]:
        """Find the two things to be combined, each a value or numbers, given by position or by keyword."""
        given = [*self.arguments, *(self.keywords[key] for key in ("y", "x2", "bias") if key in self.keywords)]
        if len(given) != 2 or not any(isinstance(item, Value) for item in given):
            raise self.refusal("must combine two inputs, one of them the result of a layer")
        return given


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
    odd = set(call.keywords) - operator.keywords
    odd |= set(call.layer.options) - {"name", "trainable", "dtype", "function"}
    if odd:
        raise call.refusal(f"operation {name!r:.80} with {', '.join(sorted(odd))} cannot be converted")
    return operator.convert(call)


def operator_name(layer: Layer) -> str:
    """Give the name of an operation: that of TensorFlow's function, or of Keras 3's class."""
    return str(layer.options.get("function")) if layer.class_name in KERAS_2_CLASSES else layer.class_name


def _add(call: OperatorCall) -> Value:
    first, second = call.operands()
    if isinstance(first, Value) and isinstance(second, Value):
        return call.graph.add(call.path, "add", call.graph.alike([first, second]))
    value, numbers = (first, second) if isinstance(first, Value) else (second, first)
    return call.graph.affine(call.path, value, None, call.graph.over_last_axes(value, numbers))


def _multiply(call: OperatorCall) -> Value:
    first, second = call.operands()
    if isinstance(first, Value) and isinstance(second, Value):
        return call.graph.add(call.path, "multiply", call.graph.alike([first, second]))
    value, numbers = (first, second) if isinstance(first, Value) else (second, first)
    return call.graph.affine(call.path, value, call.graph.over_last_axes(value, numbers), None)


def _subtract(call: OperatorCall) -> Value:
    first, second = call.operands()
    if isinstance(first, Value) and isinstance(second, Value):
        return call.graph.add(call.path, "subtract", call.graph.alike([first, second]))
    if isinstance(first, Value):
        return call.graph.affine(call.path, first, None, -call.graph.over_last_axes(first, second))
    minus = call.graph.over_last_axes(second, -1.0)
    return call.graph.affine(call.path, second, minus, call.graph.over_last_axes(second, first))


def _divide(call: OperatorCall) -> Value:
    first, second = call.operands()
    if not isinstance(first, Value) or isinstance(second, Value):
        raise call.refusal("only division by a number can be converted")
    with np.errstate(divide="ignore", over="ignore"):
        factor = np.float32(1) / call.graph.over_last_axes(first, second)
    if not np.isfinite(factor).all():
        raise call.refusal("divides by zero, or nearly")
    return call.graph.affine(call.path, first, factor, None)


def _bias_add(call: OperatorCall) -> Value:
    if call.keywords.get("data_format") not in (None, "NHWC"):
        raise call.refusal(f"data_format={call.keywords['data_format']!r:.40} cannot be converted")
    return _add(call)


def _slice(call: OperatorCall) -> Value:
    """Reverse the last axis, which turns red, green, blue round; other slices are refused."""
    whole_backwards = {"start": None, "stop": None, "step": -1}
    first, *rest = call.keywords.get("slice_spec") or [None]
    if first != {"class_name": "__ellipsis__"} or rest != [whole_backwards]:
        raise call.refusal("of all slices only [..., ::-1] can be converted")
    (value,) = call.arguments
    return call.graph.add(call.path, "flip", [value], {"axis": value.torch_axis(-1)})


def _function(name: str) -> Callable[[OperatorCall], Value]:
    def apply(call: OperatorCall) -> Value:
        if len(call.arguments) != 1 or not isinstance(call.arguments[0], Value):
            raise call.refusal("must be called on one result of a layer")
        op, attributes = FUNCTIONS[name](call.writer.major)
        return call.graph.add(call.path, op, [call.arguments[0]], attributes)

    return apply


@dataclass(frozen=True)
class _Operator:
    convert: Callable[[OperatorCall], Value]
    keywords: frozenset[str] = frozenset()


_ARITHMETIC = frozenset({"y", "x2"})

OPERATORS: Mapping[str, _Operator] = {
    "__operators__.add": _Operator(_add, _ARITHMETIC),
    "math.add": _Operator(_add, _ARITHMETIC),
    "Add": _Operator(_add, _ARITHMETIC),
    "math.multiply": _Operator(_multiply, _ARITHMETIC),
    "Multiply": _Operator(_multiply, _ARITHMETIC),
    "math.subtract": _Operator(_subtract, _ARITHMETIC),
    "Subtract": _Operator(_subtract, _ARITHMETIC),
    "math.truediv": _Operator(_divide, _ARITHMETIC),
    "math.divide": _Operator(_divide, _ARITHMETIC),
    "TrueDivide": _Operator(_divide, _ARITHMETIC),
    "Divide": _Operator(_divide, _ARITHMETIC),
    "nn.bias_add": _Operator(_bias_add, frozenset({"bias", "data_format"})),
    "__operators__.getitem": _Operator(_slice, frozenset({"slice_spec"})),
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
}
