"""Build the torch-side graph: nodes with torch's layout out of values that remember Keras's.

Keras's images end in the channel axis, torch's begin with it. A value that Keras sees as ``(y, x, channel)`` is kept
as ``(channel, y, x)`` and marked ``moved``; whatever needs Keras's own order of axes asks for it and gets a permuted
value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurorapt.errors import ConversionError, WeightsError
from aurorapt.graph import MOST_NODES, Graph, Node
from aurorapt.operations import Shape, infer_shapes

INPUT = "images"
MOST_NUMBERS = 2**29  # in all tensors: 2 GiB of float32


@dataclass(frozen=True)
class Value:
    """A result in the graph: its name, its torch-side shape without batch, and whether its channel axis was moved."""

    name: str
    shape: Shape
    moved: bool

    @property
    def keras_shape(self) -> Shape:
        """Shape without batch as Keras sees it."""
        return (*self.shape[1:], self.shape[0]) if self.moved else self.shape

    def torch_axis(self, axis: int) -> int:
        """Torch-side number of one of Keras's axes; both count the batch axis as 0.

        Raises
        ------
        ConversionError
            if it is the batch axis or does not exist
        """
        rank = len(self.shape) + 1
        positive = axis + rank if axis < 0 else axis
        if not 1 <= positive < rank:
            raise ConversionError(f"there is no axis {axis} after the batch in {rank} axes")
        if not self.moved:
            return positive
        return 1 if positive == rank - 1 else positive + 1


@dataclass
class GraphBuilder:
    """Nodes and tensors collected so far."""

    nodes: list[Node] = field(default_factory=list)
    tensors: dict[str, NDArray[np.float32]] = field(default_factory=dict)
    _names: set[str] = field(default_factory=lambda: {INPUT})
    _permuted: dict[tuple[str, bool], Value] = field(default_factory=dict)
    _numbers: int = 0

    def add(
        self,
        name: str,
        op: str,
        inputs: Sequence[Value],
        attributes: Mapping[str, Any] | None = None,
        tensors: Mapping[str, NDArray[np.float32]] | None = None,
        moved: bool | None = None,
    ) -> Value:
        """Add a node; ``moved`` is that of the first input unless given.

        Raises
        ------
        ConversionError
            if the operation cannot work on these inputs, or its tensors do not fit
        """
        attributes, tensors = attributes or {}, tensors or {}
        try:
            shape, wanted = infer_shapes(op, attributes, [value.shape for value in inputs])
        except WeightsError as error:
            raise ConversionError(str(error)) from None
        given = {key: tensor.shape for key, tensor in tensors.items()}
        if given != wanted:
            raise ConversionError(f"the file's arrays {given} do not fit; {op} needs {wanted}")
        self._numbers += sum(tensor.size for tensor in tensors.values())
        if len(self.nodes) == MOST_NODES or self._numbers > MOST_NUMBERS:
            raise ConversionError(f"the network grows beyond {MOST_NODES} nodes or {MOST_NUMBERS} parameters")
        name = self._unused(name)
        self.nodes.append(Node(name, op, tuple(value.name for value in inputs), dict(attributes)))
        self.tensors |= {f"{name}/{key}": np.ascontiguousarray(tensor, np.float32) for key, tensor in tensors.items()}
        return Value(name, shape, inputs[0].moved if moved is None else moved)

    def affine(
        self, name: str, value: Value, scale: NDArray[np.float32] | None, offset: NDArray[np.float32] | None
    ) -> Value:
        """Multiply by ``scale`` and add ``offset``, arrays in Keras's order of axes that spread over the value."""
        tensors = {}
        for key, array in {"scale": scale, "offset": offset}.items():
            if array is not None:
                tensors[key] = array.transpose(2, 0, 1) if value.moved else array
        shape = np.broadcast_shapes(*(tensor.shape for tensor in tensors.values()))
        attributes = {"shape": shape, "scale": scale is not None, "offset": offset is not None}
        full = {key: np.broadcast_to(tensor, shape) for key, tensor in tensors.items()}
        return self.add(name, "affine", [value], attributes, full)

    def over_last_axes(self, value: Value, numbers: Any) -> NDArray[np.float32]:
        """Array of given numbers, a single one or nested lists, with as many axes as the value has for Keras.

        Raises
        ------
        ConversionError
            if the numbers do not spread over the value's last axes
        """
        try:
            with np.errstate(over="ignore"):
                array = np.array(numbers, np.float32)
            array = array.reshape((1,) * (len(value.shape) - array.ndim) + array.shape)
            np.broadcast_to(array, value.keras_shape)
        except (ValueError, TypeError, OverflowError):
            raise ConversionError(f"{numbers!r:.80} does not spread over {value.keras_shape}") from None
        if not np.isfinite(array).all():
            raise ConversionError(f"{numbers!r:.80} is not within float32")
        return array

    def channels_moved(self, value: Value) -> Value:
        """Give the value with Keras's last axis kept first, for layers of the format channels_last."""
        return value if value.moved else self._permute(value, moved=True)

    def keras_order(self, value: Value) -> Value:
        """Give the value with its axes in Keras's order."""
        return self._permute(value, moved=False) if value.moved else value

    def alike(self, values: Sequence[Value]) -> list[Value]:
        """Give all values in the same order of axes."""
        if any(value.moved for value in values) and not all(value.moved for value in values):
            return [self.channels_moved(value) if len(value.shape) == 3 else value for value in values]
        return list(values)

    def finish(self, output: Value) -> tuple[Graph, dict[str, NDArray[np.float32]]]:
        """Give the graph that leads to the output, and its tensors; nodes that do not lead there are left out."""
        needed = {output.name}
        for node in reversed(self.nodes):
            if node.name in needed:
                needed.update(node.inputs)
        nodes = tuple(node for node in self.nodes if node.name in needed)
        kept = {node.name for node in nodes}
        tensors = {key: tensor for key, tensor in self.tensors.items() if key.rsplit("/", 1)[0] in kept}
        return Graph(nodes, (INPUT,), (output.name,)), tensors

    def _permute(self, value: Value, moved: bool) -> Value:
        key = (value.name, moved)
        if key not in self._permuted:
            axes = (3, 1, 2) if moved else (2, 3, 1)
            name = f"{value.name}/{'channels_first' if moved else 'channels_last'}"
            self._permuted[key] = self.add(name, "permute", [value], {"axes": axes}, moved=moved)
        return self._permuted[key]

    def _unused(self, name: str) -> str:
        unused, number = name, 2
        while unused in self._names:
            unused, number = f"{name}_{number}", number + 1
        self._names.add(unused)
        return unused
