"""The call of an operation that is no layer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from aurorapt.errors import ConversionError

from ..builder import KerasGraph, Value
from ..keras_model import Layer
from ..writer import Writer
from .options import refusal


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

    def parameter(self, name: str, default: Any = None) -> Any:
        """Give what Keras 2 writes into the call and Keras 3 into the options."""
        return self.keywords.get(name, self.layer.options.get(name, default))

    @property
    def value(self) -> Value:
        """The one result of a layer that it is called on."""
        if len(self.arguments) != 1 or not isinstance(self.arguments[0], Value):
            raise self.refusal("must be called on one result of a layer")
        return self.arguments[0]

    def operands(self) -> list[Any]:
        """Find the two things to be combined, each a value or numbers, given by position or by keyword."""
        given = [*self.arguments, *(self.keywords[key] for key in ("y", "x2", "bias") if key in self.keywords)]
        if len(given) != 2 or not any(isinstance(item, Value) for item in given):
            raise self.refusal("must combine two inputs, one of them the result of a layer")
        return given
