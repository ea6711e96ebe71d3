"""Build the torch-side graph: nodes with torch's layout out of values that remember Keras's.

Keras's images end in the channel axis, torch's begin with it. A value that Keras sees as ``(y, x, channel)`` is kept
as ``(channel, y, x)`` and marked ``channels_first``; whatever needs Keras's own order of axes asks for it and gets
a permuted value.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurorapt.errors import ConversionError, WeightsError
from aurorapt.weights.graph import Graph
from aurorapt.weights.graph_builder import GraphBuilder
from aurorapt.weights.operations import Shape

INPUT = "images"
MOST_MADE_UP = 2**25  # numbers that are in no file but follow from options: 128 MiB


@dataclass(frozen=True)
class Value:
    """A result in the graph: its name, its torch-side shape without batch, whether Keras's last axis stands first."""

    name: str
    shape: Shape
    channels_first: bool

    @property
    def keras_shape(self) -> Shape:
        """Shape without batch as Keras sees it."""
        return (*self.shape[1:], self.shape[0]) if self.channels_first else self.shape

    def torch_axis(self, axis: int) -> int:
        """Give the torch-side number of one of Keras's axes; both count the batch axis as 0.

        Raises
        ------
        ConversionError
            If it is the batch axis or does not exist.
        """
        rank = len(self.shape) + 1
        positive = axis + rank if axis < 0 else axis
        if not 1 <= positive < rank:
            raise ConversionError(f"there is no axis {axis} after the batch in {rank} axes")
        if not self.channels_first:
            return positive
        return 1 if positive == rank - 1 else positive + 1


class KerasGraph:
    """The torch-side graph under construction, whose values remember Keras's order of axes.

    Parameters
    ----------
    image : the input
    """

    def __init__(self, image: Value) -> None:
        self._builder = GraphBuilder(image.name, image.shape)
        self._permuted: dict[tuple[str, bool], Value] = {}
        self._made_up = 0

    def require_room(self, numbers: int) -> None:
        """Count numbers that are about to be made up out of options, of which a short file could ask for any amount.

        Raises
        ------
        ConversionError
            If they become too many in all.
        """
        self._made_up += numbers
        if self._made_up > MOST_MADE_UP:
            raise ConversionError(
                f"layers make up {self._made_up} numbers out of their options, more than {MOST_MADE_UP}"
            )

    def add(
        self,
        name: str,
        op: str,
        inputs: Sequence[Value],
        attributes: Mapping[str, Any] | None = None,
        tensors: Mapping[str, NDArray[np.float32]] | None = None,
        channels_first: bool | None = None,
    ) -> Value:
        """Add a node; ``channels_first`` is that of the first input unless given.

        Raises
        ------
        ConversionError
            If the operation cannot work on these inputs, or its tensors do not fit.
        """
        try:
            name = self._builder.add(name, op, [value.name for value in inputs], attributes, tensors)
        except WeightsError as error:
            raise ConversionError(str(error)) from None
        order = inputs[0].channels_first if channels_first is None else channels_first
        return Value(name, self._builder.shapes[name], order)

    def affine(
        self, name: str, value: Value, scale: NDArray[np.float32] | None, offset: NDArray[np.float32] | None
    ) -> Value:
        """Multiply by ``scale`` and add ``offset``, arrays in Keras's order of axes that spread over the value."""
        tensors = {}
        for key, array in {"scale": scale, "offset": offset}.items():
            if array is not None:
                tensors[key] = array.transpose(2, 0, 1) if value.channels_first else array
        shape = np.broadcast_shapes(*(tensor.shape for tensor in tensors.values()))
        attributes = {"shape": shape, "scale": scale is not None, "offset": offset is not None}
        full = {key: np.broadcast_to(tensor, shape) for key, tensor in tensors.items()}
        return self.add(name, "affine", [value], attributes, full)

    def over_last_axes(self, value: Value, numbers: Any) -> NDArray[np.float32]:
        """Give numbers, a single one or nested lists, as an array of as many axes as the value has for Keras.

        Raises
        ------
        ConversionError
            If the numbers do not spread over the value's last axes.
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

    def with_channels_first(self, value: Value) -> Value:
        """Give the value with Keras's last axis kept first, for layers of the format channels_last."""
        return value if value.channels_first else self._permute(value, channels_first=True)

    def keras_order(self, value: Value) -> Value:
        """Give the value with its axes in Keras's order."""
        return self._permute(value, channels_first=False) if value.channels_first else value

    def alike(self, values: Sequence[Value]) -> list[Value]:
        """Give all values in the same order of axes."""
        if any(value.channels_first for value in values) and not all(value.channels_first for value in values):
            return [self.with_channels_first(value) if len(value.shape) == 3 else value for value in values]
        return list(values)

    def finish(self, output: Value) -> tuple[Graph, dict[str, NDArray[np.float32]]]:
        """Give the graph that leads to the output, and its tensors; nodes that do not lead there are left out."""
        return self._builder.finish(output.name)

    def _permute(self, value: Value, channels_first: bool) -> Value:
        key = (value.name, channels_first)
        if key not in self._permuted:
            axes = (3, 1, 2) if channels_first else (2, 3, 1)
            name = f"{value.name}/{'channels_first' if channels_first else 'channels_last'}"
            self._permuted[key] = self.add(name, "permute", [value], {"axes": axes}, channels_first=channels_first)
        return self._permuted[key]
