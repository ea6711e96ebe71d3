"""Layers that combine several inputs."""

from collections.abc import Callable

from ..builder import Value
from .options import one_axis
from .registry import LayerCall, converts


def _merging(op: str) -> Callable[[LayerCall], Value]:
    def merge(call: LayerCall) -> Value:
        return call.graph.add(call.path, op, call.graph.alike(call.inputs))

    return merge


for _class_name, _op in {
    "Add": "add",
    "Subtract": "subtract",
    "Multiply": "multiply",
    "Average": "average",
    "Maximum": "maximum",
    "Minimum": "minimum",
}.items():
    converts(_class_name, refuses="inputs with different numbers of axes")(_merging(_op))


@converts("Concatenate", options={"axis": one_axis()})
def convert_concatenate(call: LayerCall) -> Value:
    values = call.graph.alike(call.inputs)
    axis = values[0].torch_axis(call.options["axis"])
    return call.graph.add(call.path, "concatenate", values, {"axis": axis})
