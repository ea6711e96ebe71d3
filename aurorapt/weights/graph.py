"""The graph of a network: its nodes, and the proof that it can be evaluated."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from aurorapt.errors import WeightsError
from aurorapt.weights.attributes import require
from aurorapt.weights.bounds import check_bounds
from aurorapt.weights.operations import Shape, infer_shapes

MOST_NODES = 10_000
REARRANGING = ("flatten", "reshape", "permute")  # operations that keep each number as it is
LONGEST_NAME = 255  # characters


@dataclass(frozen=True)
class Node:
    """One operation: ``inputs`` names the values it reads, ``name`` the value it gives."""

    name: str
    op: str
    inputs: tuple[str, ...]
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Graph:
    """Nodes in an order in which they can be evaluated, the one input value and the one output value."""

    nodes: tuple[Node, ...]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def check_graph(graph: Graph, input_shape: Shape, classes: int) -> dict[str, Shape]:
    """Prove that a graph can be evaluated at a bearable cost and ends in the probabilities of so many classes.

    Returns
    -------
    the shape of every tensor that it needs, under ``node_name/parameter``
    """
    require(len(graph.nodes) <= MOST_NODES, f"the graph has {len(graph.nodes)} nodes, more than {MOST_NODES}")
    require(len(graph.inputs) == 1 and len(graph.outputs) == 1, "the graph must have one input and one output")
    require(is_name(graph.inputs[0]), "the input's name must be printable text")
    shapes: dict[str, Shape] = {graph.inputs[0]: input_shape}
    parameters: dict[str, Shape] = {}
    names = {node.name for node in graph.nodes}
    for node in graph.nodes:
        require(is_name(node.name), "a node's name must be printable text")
        require(node.name not in shapes, f"two values are named {node.name}")
        for name in node.inputs:
            fault = "a later node, or its own result" if name in names else "not in the graph"
            require(name in shapes, f"node {node.name} reads {name!r:.60}, which is {fault}")
        try:
            shape, tensors = infer_shapes(node.op, node.attributes, [shapes[name] for name in node.inputs])
        except WeightsError as error:
            raise WeightsError(f"node {node.name}: {error}") from None
        shapes[node.name] = shape
        parameters |= {f"{node.name}/{name}": shape for name, shape in tensors.items()}
    _check_ends(graph, shapes, classes)
    check_bounds(graph.nodes, shapes, graph.outputs[0])
    return parameters


def _check_ends(graph: Graph, shapes: Mapping[str, Shape], classes: int) -> None:
    output = graph.outputs[0]
    read = {name for node in graph.nodes for name in node.inputs} | {output}
    unused = [name for name in shapes if name not in read]
    require(not unused, f"nothing reads {', '.join(unused[:5])}")
    require(output in shapes, f"the output {output!r:.60} is not in the graph")
    require(shapes[output] == (classes,), f"{classes} classes, but the network gives {shapes[output]} values")
    require(
        _are_probabilities({node.name: node for node in graph.nodes}, shapes, output),
        "the network must end in a softmax over the classes, or its outputs are not probabilities",
    )


def _are_probabilities(nodes: Mapping[str, Node], shapes: Mapping[str, Shape], name: str) -> bool:
    """Tell whether a value is that of a softmax over all its numbers, or only a rearrangement of it."""
    node = nodes.get(name)
    while node is not None and node.op in REARRANGING:
        node = nodes.get(node.inputs[0])
    if node is None or node.op != "softmax":
        return False
    shape = shapes[node.name]
    return math.prod(shape) == shape[int(node.attributes["axis"]) - 1]


def is_name(value: Any, longest: int = LONGEST_NAME) -> bool:
    """Tell whether a value is printable text of a bearable length, safe to show in a log or on a terminal."""
    return isinstance(value, str) and 1 <= len(value) <= longest and value.isprintable()
