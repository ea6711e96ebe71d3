"""Operations between two results of layers, or between one and recorded numbers."""

from collections.abc import Callable

import numpy as np

from ..builder import Value
from .operator_call import OperatorCall


def add(call: OperatorCall) -> Value:
    first, second = call.operands()
    if isinstance(first, Value) and isinstance(second, Value):
        return call.graph.add(call.path, "add", call.graph.alike([first, second]))
    value, numbers = (first, second) if isinstance(first, Value) else (second, first)
    return call.graph.affine(call.path, value, None, call.graph.over_last_axes(value, numbers))


def multiply(call: OperatorCall) -> Value:
    first, second = call.operands()
    if isinstance(first, Value) and isinstance(second, Value):
        return call.graph.add(call.path, "multiply", call.graph.alike([first, second]))
    value, numbers = (first, second) if isinstance(first, Value) else (second, first)
    return call.graph.affine(call.path, value, call.graph.over_last_axes(value, numbers), None)


def subtract(call: OperatorCall) -> Value:
    first, second = call.operands()
    if isinstance(first, Value) and isinstance(second, Value):
        return call.graph.add(call.path, "subtract", call.graph.alike([first, second]))
    if isinstance(first, Value):
        return call.graph.affine(call.path, first, None, -call.graph.over_last_axes(first, second))
    minus = call.graph.over_last_axes(second, -1.0)
    return call.graph.affine(call.path, second, minus, call.graph.over_last_axes(second, first))


def divide(call: OperatorCall) -> Value:
    first, second = call.operands()
    if not isinstance(first, Value) or isinstance(second, Value):
        raise call.refusal("only division by a number can be converted")
    with np.errstate(divide="ignore", over="ignore"):
        factor = np.float32(1) / call.graph.over_last_axes(first, second)
    if not np.isfinite(factor).all():
        raise call.refusal("divides by zero, or nearly")
    return call.graph.affine(call.path, first, factor, None)


def bias_add(call: OperatorCall) -> Value:
    if call.keywords.get("data_format") not in (None, "NHWC"):
        raise call.refusal(f"data_format={call.keywords['data_format']!r:.40} cannot be converted")
    return add(call)


def extremum(op: str) -> Callable[[OperatorCall], Value]:
    """Make the conversion of ``maximum`` or ``minimum``."""

    def convert(call: OperatorCall) -> Value:
        first, second = call.operands()
        if not (isinstance(first, Value) and isinstance(second, Value)):
            value, numbers = (first, second) if isinstance(first, Value) else (second, first)
            constant = call.graph.over_last_axes(value, numbers)
            first, second = value, call.graph.affine(f"{call.path}/constant", value, 0 * constant, constant)
        return call.graph.add(call.path, op, call.graph.alike([first, second]))

    return convert
