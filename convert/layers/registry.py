"""Which Keras layers can be converted, and by what; filled by the modules in `convert.layers`."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurorapt.errors import ConversionError

from ..builder import KerasGraph, Value
from ..keras_model import Layer
from ..writer import Writer
from .options import Option, Options, refusal


@dataclass(frozen=True)
class Variable:
    """An array that a layer owns, under the last part of its name in the file, or one of its other names there.

    One that its layer gives no name is ``variable`` there, ``variable_1`` and so on.
    """

    name: str
    trainable: bool = True
    other_names: tuple[str, ...] = ()
    unnamed: bool = False

    def answers_to(self, name: str) -> bool:
        """Tell whether the last part of an array's name may be this variable's."""
        numbered = self.unnamed and re.fullmatch(r"[Vv]ariable(_\d+)?", name) is not None
        return numbered or name in (self.name, *self.other_names)


@dataclass(frozen=True)
class LayerCall:
    """One call of a layer that is to be converted.

    Attributes
    ----------
    layer : as the file describes it
    path : name for its nodes, with the names of the models around it
    options : parsed
    arrays : variable name to array, in Keras's layout
    inputs : values it is called on
    writer : the program that wrote the file
    graph : where its nodes go
    """

    layer: Layer
    path: str
    options: Options
    arrays: Mapping[str, NDArray[Any]]
    inputs: list[Value]
    writer: Writer
    graph: KerasGraph

    @property
    def input(self) -> Value:
        """The one value it is called on."""
        if len(self.inputs) != 1:
            raise self.refusal(f"expects one input, not {len(self.inputs)}")
        return self.inputs[0]

    @property
    def image(self) -> Value:
        """The one image it is called on, channels first, whatever its data_format."""
        if len(self.input.shape) != 3:
            raise self.refusal(f"expects an image, not an input with {len(self.input.shape)} axes after the batch")
        if self.options["data_format"] == "channels_last":
            return self.graph.with_channels_first(self.input)
        return self.graph.keras_order(self.input)

    def array(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Give an array of the layer, which must have this shape."""
        array = self.arrays[name]
        if array.shape != shape:
            raise self.refusal(f"its options ask for a {name} of {shape}, the file has {array.shape}")
        if array.dtype != np.float32:
            raise self.refusal(f"its {name} is {array.dtype}; only float32 can be converted")
        return array

    def refusal(self, reason: str) -> ConversionError:
        """Make the error that names the layer."""
        return refusal(self.layer, reason)


@dataclass(frozen=True, eq=False)
class Handler:
    """How layers of one class are converted.

    Attributes
    ----------
    class_names : that it converts
    options : those it knows, beside `convert.layers.options.COMMON_OPTIONS`
    variables : arrays a layer with these options owns, in the order in which Keras makes them
    convert : function that is to add its nodes to the graph
    refuses : in words, what is refused beside unsupported options
    training_by_default : whether Keras 3 records ``training=True`` for calls that said nothing of it; it predicts with
        ``training=False`` all the same
    """

    class_names: tuple[str, ...]
    options: Mapping[str, Option]
    variables: Callable[[Options], list[Variable]]
    convert: Callable[[LayerCall], Value]
    refuses: str
    training_by_default: bool


_HANDLERS: dict[str, Handler] = {}


def no_variables(options: Options) -> list[Variable]:
    """Own no arrays."""
    return []


def converts(
    *class_names: str,
    options: Mapping[str, Option] | None = None,
    variables: Callable[[Options], list[Variable]] = no_variables,
    refuses: str = "",
    training_by_default: bool = False,
) -> Callable[[Callable[[LayerCall], Value]], Callable[[LayerCall], Value]]:
    """Register the decorated function as the handler of these classes."""

    def register(convert: Callable[[LayerCall], Value]) -> Callable[[LayerCall], Value]:
        handler = Handler(class_names, options or {}, variables, convert, refuses, training_by_default)
        for name in class_names:
            if name in _HANDLERS:
                raise ValueError(f"two handlers convert {name}")
            _HANDLERS[name] = handler
        return convert

    return register


def find_handler(layer: Layer) -> Handler:
    """Find the handler of a layer's class.

    Raises
    ------
    ConversionError
        Naming the layer and its class if there is none.
    """
    handler = _HANDLERS.get(layer.class_name)
    if handler is None:
        raise refusal(layer, "layers of this type cannot be converted")
    return handler


def handlers() -> list[Handler]:
    """List all handlers, once each, in the order of their first class name."""
    return sorted(set(_HANDLERS.values()), key=lambda handler: handler.class_names)
