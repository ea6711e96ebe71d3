"""What evaluating a network may cost: a file of a few kilobytes could otherwise ask for any memory or time."""

import math
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from aurorapt.errors import WeightsError
from aurorapt.weights.operations import Shape

MOST_VALUES = 2**27  # alive at once for one image: half a gibibyte of float32
MOST_MULTIPLICATIONS = 2**40  # for one image: 15 s where a processor manages 7e10 in a second
VALUE_COST = 16  # multiplications for which a value that is read or written can be had


class _Node(Protocol):
    """What is asked of a node here."""

    @property
    def name(self) -> str: ...
    @property
    def op(self) -> str: ...
    @property
    def inputs(self) -> tuple[str, ...]: ...
    @property
    def attributes(self) -> Mapping[str, Any]: ...


def check_bounds(nodes: Iterable[_Node], shapes: Mapping[str, Shape], output: str) -> tuple[int, int]:
    """Prove that a network needs neither too much memory nor too many multiplications for one image.

    Parameters
    ----------
    nodes : in the order in which they are evaluated
    shapes : of every value, without the batch
    output : name of the value that is kept to the end

    Returns
    -------
    values : float32 numbers alive at once, where they are most; those a padded copy of an input takes among them
    multiplications : and additions, summed over the graph

    Raises
    ------
    WeightsError
        Naming the node at which a bound is passed.
    """
    nodes = tuple(nodes)
    last_use = {name: place for place, node in enumerate(nodes) for name in node.inputs} | {output: len(nodes)}
    alive = sum(math.prod(shapes[name]) for name in shapes.keys() - {node.name for node in nodes})
    most, multiplications = alive, 0
    for place, node in enumerate(nodes):
        inputs, result = [shapes[name] for name in node.inputs], shapes[node.name]
        alive += math.prod(result)
        most = max(most, alive + _padded(node.attributes, inputs))
        multiplications += _multiplications(node, inputs, result)
        _require_bounds(node.name, most, multiplications)
        alive -= sum(math.prod(shapes[name]) for name in set(node.inputs) if last_use[name] == place)
    return most, multiplications


def _require_bounds(name: str, values: int, multiplications: int) -> None:
    if values > MOST_VALUES:
        raise WeightsError(f"at node {name} the network keeps {values} values for one image, more than {MOST_VALUES}")
    if multiplications > MOST_MULTIPLICATIONS:
        raise WeightsError(
            f"up to node {name} the network needs {multiplications} multiplications for one image, "
            f"more than {MOST_MULTIPLICATIONS}"
        )


def _padded(attributes: Mapping[str, Any], inputs: list[Shape]) -> int:
    """Count the values of a padded copy of an image, which uneven padding needs."""
    if not any(attributes.get("padding", ())):
        return 0
    top, bottom, left, right = attributes["padding"]
    channels, y, x = inputs[0]
    return int(channels * (y + top + bottom) * (x + left + right))


def _multiplications(node: _Node, inputs: list[Shape], result: Shape) -> int:
    attributes = node.attributes
    if node.op == "conv2d":
        each = attributes["in_channels"] // attributes["groups"] * math.prod(attributes["kernel_size"])
    elif node.op == "dense":
        each = attributes["in_features"]
    elif "kernel_size" in attributes:  # pooling
        each = math.prod(attributes["kernel_size"])
    else:
        return VALUE_COST * (sum(map(math.prod, inputs)) + math.prod(result))
    return int(math.prod(result) * each)
