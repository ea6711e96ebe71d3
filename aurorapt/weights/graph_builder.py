"""A graph built node by node, each checked as it is added."""

from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurorapt.errors import WeightsError
from aurorapt.weights.attributes import require
from aurorapt.weights.graph import MOST_NODES, Graph, Node
from aurorapt.weights.operations import Shape, infer_shapes

MOST_NUMBERS = 2**29  # in all tensors: 2 GiB of float32


class GraphBuilder:
    """Collect the nodes and tensors of a graph of one input.

    Parameters
    ----------
    input_name : name of the input value
    input_shape : its shape without the batch

    Attributes
    ----------
    nodes : so far, in the order in which they were added
    tensors : ``node_name/parameter`` to float32 array
    shapes : of each value, without the batch
    """

    def __init__(self, input_name: str, input_shape: Shape) -> None:
        self.nodes: list[Node] = []
        self.tensors: dict[str, NDArray[np.float32]] = {}
        self.shapes: dict[str, Shape] = {input_name: input_shape}
        self._input_name = input_name
        self._numbers = 0

    def parameters(self, op: str, inputs: Collection[str], attributes: Mapping[str, Any]) -> dict[str, Shape]:
        """Give the shapes of the tensors that an operation on these inputs needs, by parameter.

        Raises
        ------
        WeightsError
            If the operation cannot work on these inputs.
        """
        return infer_shapes(op, attributes, [self.shapes[value] for value in inputs])[1]

    def add(
        self,
        name: str,
        op: str,
        inputs: Collection[str],
        attributes: Mapping[str, Any] | None = None,
        tensors: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> str:
        """Add a node and give its name, which gets a number where another node has it already.

        Raises
        ------
        WeightsError
            If the operation cannot work on these inputs, its tensors do not fit, or the graph grows too large.
        """
        attributes, tensors = attributes or {}, tensors or {}
        shape, wanted = infer_shapes(op, attributes, [self.shapes[value] for value in inputs])
        given = {key: tensor.shape for key, tensor in tensors.items()}
        if given != wanted:
            raise WeightsError(f"the file's arrays {given} do not fit; {op} needs {wanted}")
        self._numbers += sum(tensor.size for tensor in tensors.values())
        require(
            len(self.nodes) < MOST_NODES and self._numbers <= MOST_NUMBERS,
            f"the network grows beyond {MOST_NODES} nodes or {MOST_NUMBERS} parameters",
        )
        name = self._unused(name)
        self.nodes.append(Node(name, op, tuple(inputs), dict(attributes)))
        self.shapes[name] = shape
        self.tensors |= {f"{name}/{key}": np.ascontiguousarray(tensor, np.float32) for key, tensor in tensors.items()}
        return name

    def finish(self, output: str) -> tuple[Graph, dict[str, NDArray[np.float32]]]:
        """Give the graph that leads to the output, and its tensors; nodes that do not lead there are left out."""
        needed = {output}
        for node in reversed(self.nodes):
            if node.name in needed:
                needed.update(node.inputs)
        nodes = tuple(node for node in self.nodes if node.name in needed)
        kept = {node.name for node in nodes}
        tensors = {key: tensor for key, tensor in self.tensors.items() if key.rsplit("/", 1)[0] in kept}
        return Graph(nodes, (self._input_name,), (output,)), tensors

    def _unused(self, name: str) -> str:
        unused, number = name, 2
        while unused in self.shapes:
            unused, number = f"{name}_{number}", number + 1
        return unused
