"""Keras model and arrays to the torch-side graph: calls in the order of their dependence, each by its handler."""

from collections.abc import Callable, Mapping
from graphlib import CycleError, TopologicalSorter
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurorapt.errors import ConversionError
from aurorapt.weights.graph import Graph
from aurorapt.weights.weights_file import LARGEST_INPUT

from .builder import INPUT, KerasGraph, Value
from .files.variables import Arrays
from .keras_model import Call, Layer, Model, Reference, references
from .layers.operator_call import OperatorCall
from .layers.operators import convert_operator, is_operator
from .layers.options import parse_options, refusal
from .layers.registry import LayerCall, find_handler
from .writer import Writer

RECIPE_SIZE = 224  # pixels both ways: what the original program feeds a network that takes any size
MOST_CALLS = 10_000  # nested models that call each other could make any number out of a short file
INPUT_OPTIONS = {"sparse", "ragged", "optional"}


def build_graph(
    model: Model, arrays: Arrays, writer: Writer
) -> tuple[Graph, dict[str, NDArray[np.float32]], tuple[int, int, int]]:
    """Convert a model.

    Parameters
    ----------
    model : with one input, an image of 1 or 3 channels
    arrays : path of each layer to its arrays, by variable name
    writer : the program that wrote the file

    Returns
    -------
    graph : torch-side
    tensors : ``node_name/parameter`` to float32 array, in torch's layout
    input_shape : (channel, y, x)

    Raises
    ------
    ConversionError
        Naming the layer that cannot be converted.
    """
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise ConversionError(
            f"the model has {len(model.inputs)} inputs and {len(model.outputs)} outputs; "
            "only one of each can be converted"
        )
    image = _input_value(model)
    conversion = _Conversion(arrays, writer, image)
    (output,) = conversion.convert(model, (), [image])
    graph, tensors = conversion.graph.finish(output)
    return graph, tensors, (image.shape[0], image.shape[1], image.shape[2])


class _Conversion:
    """The graph under construction and what every layer in it needs."""

    def __init__(self, arrays: Arrays, writer: Writer, image: Value) -> None:
        self.arrays = arrays
        self.writer = writer
        self.graph = KerasGraph(image)
        self._calls = 0
        self._orders: dict[int, list[tuple[Layer, int]]] = {}

    def convert(self, model: Model, path: tuple[str, ...], inputs: list[Value]) -> list[Value]:
        """Convert one use of a model and give its outputs."""
        if len(inputs) != len(model.inputs):
            raise ConversionError(f"model {model.name} expects {len(model.inputs)} inputs, not {len(inputs)}")
        if id(model) not in self._orders:
            self._orders[id(model)] = _in_order(model)
        values: dict[Reference, Value] = dict(zip(model.inputs, inputs, strict=True))
        for layer, number in self._orders[id(model)]:
            if layer.class_name == "InputLayer":
                continue
            call = layer.calls[number]
            for output, value in enumerate(self._convert_call(layer, call, path, values)):
                values[Reference(layer.name, number, output)] = value
        return [_lookup(values, reference, model.name) for reference in model.outputs]

    def _convert_call(
        self, layer: Layer, call: Call, path: tuple[str, ...], values: Mapping[Reference, Value]
    ) -> list[Value]:
        self._calls += 1
        if self._calls > MOST_CALLS:
            raise ConversionError(f"the model makes more than {MOST_CALLS} calls of layers")
        here = (*path, layer.name)
        if is_operator(layer):
            arguments, keywords = _with_values([call.arguments, call.keywords], values, layer.name)
            operation = OperatorCall(layer, "/".join(here), tuple(arguments), keywords, self.writer, self.graph)
            return [_naming(layer, lambda: convert_operator(operation))]
        if layer.model is not None:
            return self.convert(layer.model, here, _inputs(layer, call, values, may_train=False))
        handler = find_handler(layer)
        use = LayerCall(
            layer=layer,
            path="/".join(here),
            options=parse_options(layer, handler.options),
            arrays=self.arrays.get(here, {}),
            inputs=_inputs(layer, call, values, may_train=self.writer.major >= 3 and handler.training_by_default),
            writer=self.writer,
            graph=self.graph,
        )
        return [_naming(layer, lambda: handler.convert(use))]


def _naming(layer: Layer, convert: Callable[[], Value]) -> Value:
    """Run a conversion whose errors are to name the layer."""
    try:
        return convert()
    except ConversionError as error:
        raise error if str(error).startswith("layer ") else refusal(layer, str(error)) from None


def _in_order(model: Model) -> list[tuple[Layer, int]]:
    """Order all calls of the model's layers, each after those whose results it reads."""
    layers = {layer.name: layer for layer in model.layers}
    if len(layers) < len(model.layers):
        raise ConversionError(f"two layers of model {model.name} have one name")
    sorter: TopologicalSorter[tuple[str, int]] = TopologicalSorter()
    for layer in model.layers:
        for number, call in enumerate(layer.calls):
            sorter.add((layer.name, number), *((item.layer, item.call) for item in references(call)))
    try:
        order = list(sorter.static_order())
    except CycleError:
        raise ConversionError(f"the layers of model {model.name} feed each other in a circle") from None
    for name, number in order:
        exists = name in layers and 0 <= number < max(len(layers[name].calls), 1)
        if not exists:
            raise ConversionError(f"model {model.name} reads layer {name!r:.60}, call {number}, which is not there")
    return [(layers[name], number) for name, number in order]


def _inputs(layer: Layer, call: Call, values: Mapping[Reference, Value], may_train: bool) -> list[Value]:
    """Find the values a layer is called on; other arguments must not change the result."""
    for name, value in call.keywords.items():
        if not _says_nothing(value) and not (name == "training" and (may_train or value is False)):
            raise refusal(layer, f"a call with {name}={value!r:.60} cannot be converted")
    if len(call.arguments) != 1:
        raise refusal(layer, f"a call with {len(call.arguments)} arguments cannot be converted")
    argument = call.arguments[0]
    found = references(argument)
    if len(found) != (len(argument) if isinstance(argument, (list, tuple)) else 1):
        raise refusal(layer, "a call on anything but results of other layers, in order, cannot be converted")
    return [_lookup(values, reference, layer.name) for reference in found]


def _says_nothing(value: Any) -> bool:
    """Tell whether it is None, or what a model with several or named inputs has for no masks: None for each."""
    parts = list(value.values()) if isinstance(value, dict) else value
    return all(map(_says_nothing, parts)) if isinstance(parts, list) else value is None


def _lookup(values: Mapping[Reference, Value], reference: Reference, reader: str) -> Value:
    if reference not in values:
        raise ConversionError(
            f"{reader} reads output {reference.output} of {reference.layer!r:.60}, which is not there"
        )
    return values[reference]


def _with_values(argument: Any, values: Mapping[Reference, Value], reader: str) -> Any:
    """Put values in place of references."""
    if isinstance(argument, Reference):
        return _lookup(values, argument, reader)
    if isinstance(argument, dict):
        return {key: _with_values(item, values, reader) for key, item in argument.items()}
    if isinstance(argument, (list, tuple)):
        return [_with_values(item, values, reader) for item in argument]
    return argument


def _input_value(model: Model) -> Value:
    layer = next((layer for layer in model.layers if layer.name == model.inputs[0].layer), None)
    if layer is None:
        raise ConversionError(f"the model's input {model.inputs[0].layer!r:.60} is not among its layers")
    options = {**layer.options}
    batch_shape = options.pop("batch_shape", None) or options.get("batch_input_shape")
    parse_options(
        Layer(layer.name, layer.class_name, {k: v for k, v in options.items() if k not in INPUT_OPTIONS}, ()), {}
    )
    shape = list(batch_shape[1:]) if isinstance(batch_shape, list) else []
    if len(shape) == 2:
        raise refusal(layer, f"its input shape {batch_shape!r:.60} has no channel axis; (y, x, 1) would have")
    if len(shape) != 3:
        raise refusal(layer, f"its input shape is {batch_shape!r:.60}; only images can be converted")
    if shape[2] in (1, 3):
        y, x = (RECIPE_SIZE if size is None else size for size in shape[:2])
        value = Value(INPUT, (shape[2], y, x), channels_first=True)
    elif shape[0] in (1, 3):
        y, x = (RECIPE_SIZE if size is None else size for size in shape[1:])
        value = Value(INPUT, (shape[0], y, x), channels_first=False)
    else:
        raise refusal(layer, f"its input shape is {batch_shape!r:.60}; an image must have 1 or 3 channels")
    if not all(type(size) is int and 1 <= size <= LARGEST_INPUT for size in value.shape):
        raise refusal(layer, f"its input shape {batch_shape!r:.60} is not 1 to {LARGEST_INPUT} pixels each way")
    return value
