"""A Keras model as its configuration describes it, whichever version of Keras wrote it.

Three dialects are read: Keras 2 of any TensorFlow 2 (``inbound_nodes`` are nested lists), Keras 3 (``args`` and
``kwargs`` with serialised tensors), and the bare list of layers of early Sequential models.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aurorapt.errors import ConversionError
from aurorapt.weights.graph import MOST_NODES, is_name

MODEL_CLASSES = ("Functional", "Model", "Sequential")
DEEPEST_NESTING = 16  # models within models
DEEPEST_STRUCTURE = 200  # lists and objects; a nested model adds four
LONGEST_CONFIGURATION = 4 * 2**20  # bytes; models of 1000 layers need about one million


@dataclass(frozen=True)
class Reference:
    """One result of one call of a layer."""

    layer: str
    call: int
    output: int


@dataclass(frozen=True)
class Call:
    """One use of a layer: its positional and keyword arguments, references among plain values."""

    arguments: tuple[Any, ...]
    keywords: dict[str, Any]


@dataclass(frozen=True)
class Layer:
    """A layer, its options as the file gives them, its calls, and the model that it is, if it is one."""

    name: str
    class_name: str
    options: dict[str, Any]
    calls: tuple[Call, ...]
    model: "Model | None" = None


@dataclass(frozen=True)
class Model:
    """Layers and the references that are the model's inputs and outputs."""

    name: str
    layers: tuple[Layer, ...]
    inputs: tuple[Reference, ...]
    outputs: tuple[Reference, ...]

    def walk(self, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Layer]]:
        """Yield all layers, those of nested models included, with the names that lead to them."""
        for layer in self.layers:
            yield (*path, layer.name), layer
            if layer.model is not None:
                yield from layer.model.walk((*path, layer.name))


def references(argument: Any) -> list[Reference]:
    """Find the references within an argument, in order."""
    if isinstance(argument, Reference):
        return [argument]
    if isinstance(argument, Call):
        argument = [argument.arguments, argument.keywords]
    if isinstance(argument, dict):
        argument = list(argument.values())
    if isinstance(argument, (list, tuple)):
        return [reference for item in argument for reference in references(item)]
    return []


def parse_model(text: str | bytes, names: Sequence[str] = ()) -> Model:
    """Read a model's configuration.

    Parameters
    ----------
    text : JSON
    names : of the outermost model's layers in order, for those that have none in the configuration

    Raises
    ------
    ConversionError
        If it is not sound JSON, or not a Functional or Sequential model.
    """
    if len(text) > LONGEST_CONFIGURATION:
        raise ConversionError(f"the configuration has {len(text)} bytes, more than {LONGEST_CONFIGURATION}")
    try:
        description = json.loads(text)
        _require_shallow(description)
        model = _model(description, depth=0, names=names)
    except (ValueError, RecursionError) as error:
        raise ConversionError(f"the configuration is not sound JSON: {error!s:.200}") from None
    except (KeyError, TypeError, IndexError, AttributeError, OverflowError) as error:
        raise ConversionError(f"the configuration does not describe a model: {error!r:.200}") from None
    count = sum(1 + len(layer.calls) for _, layer in model.walk())
    if count > MOST_NODES:
        raise ConversionError(f"the model has {count} layers and calls, more than {MOST_NODES}")
    return model


def _require_shallow(description: Any) -> None:
    """Refuse what is nested so deep that reading it could exhaust the stack."""
    level = [description]
    for _ in range(DEEPEST_STRUCTURE):
        level = [
            item
            for part in level
            if isinstance(part, (dict, list))
            for item in (part.values() if isinstance(part, dict) else part)
        ]
        if not level:
            return
    raise ConversionError(f"the configuration is nested more than {DEEPEST_STRUCTURE} deep")


def _model(description: dict[str, Any], depth: int, names: Sequence[str] = ()) -> Model:
    kind, config = class_name(description), description["config"]
    if kind not in MODEL_CLASSES:
        raise ConversionError(
            f"the model is of class {kind!r:.60}; only Functional and Sequential models can be converted"
        )
    if depth > DEEPEST_NESTING:
        raise ConversionError(f"models are nested more than {DEEPEST_NESTING} deep")
    if kind == "Sequential" and not (isinstance(config, dict) and "input_layers" in config):
        return _sequential(config, depth, names)
    layers = [_layer(item, depth, _calls(item["inbound_nodes"])) for item in config["layers"]]
    keras_3 = any(_is_keras_3_call(node) for item in config["layers"] for node in item["inbound_nodes"])
    outputs = _ends(config["output_layers"])
    if keras_3:
        outputs = _without_own_call(outputs, {layer.name: 1 for layer in layers if layer.class_name == "Functional"})
    else:
        own_calls = _own_calls(layers, outputs)
        outputs = _without_own_call(outputs, own_calls)
        layers = [replace(layer, calls=_without_own_call(layer.calls, own_calls)) for layer in layers]
    return Model(str(config.get("name", "model")), tuple(layers), _ends(config["input_layers"]), outputs)


def _own_calls(layers: list[Layer], outputs: tuple[Reference, ...]) -> dict[str, int]:
    """Count, for each nested model, the calls that Keras numbers before those in the file.

    A nested model was called once by itself when it was made, and Keras 2 counts that call or not, by version and kind.
    Every call in a file is read by something, so the highest call number seen tells.
    """
    highest: dict[str, int] = {}
    for reference in references([[layer.calls for layer in layers], outputs]):
        highest[reference.layer] = max(highest.get(reference.layer, 0), reference.call)
    return {
        layer.name: highest[layer.name] + 1 - len(layer.calls)
        for layer in layers
        if layer.model is not None and layer.name in highest
    }


def _without_own_call(value: Any, own_calls: dict[str, int]) -> Any:
    """Count the calls of nested models from 0."""
    if isinstance(value, Reference):
        return replace(value, call=value.call - own_calls.get(value.layer, 0))
    if isinstance(value, Call):
        return Call(_without_own_call(value.arguments, own_calls), _without_own_call(value.keywords, own_calls))
    if isinstance(value, dict):
        return {key: _without_own_call(item, own_calls) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(_without_own_call(item, own_calls) for item in value)
    return value


def _sequential(config: dict[str, Any] | list[Any], depth: int, names: Sequence[str]) -> Model:
    items = config if isinstance(config, list) else config["layers"]
    name = "sequential" if isinstance(config, list) else str(config.get("name", "sequential"))
    build_shape = None if isinstance(config, list) else config.get("build_input_shape")
    # early Sequential models have no names themselves, nor have those within them
    spare_names = names if len(names) == len(items) else [f"model_{depth + 1}_{place}" for place in range(len(items))]
    layers = [_layer(item, depth, (), spare) for item, spare in zip(items, spare_names, strict=True)]
    if not layers or layers[0].class_name != "InputLayer":
        shape = _input_shape(layers[0]) if layers else None
        options = {"batch_input_shape": build_shape if shape is None else shape}
        layers.insert(0, Layer(f"{name}_input", "InputLayer", options, ()))
    chain = [layers[0]]
    for layer in layers[1:]:
        chain.append(replace(layer, calls=(Call((Reference(chain[-1].name, 0, 0),), {}),)))
    return Model(name, tuple(chain), (Reference(chain[0].name, 0, 0),), (Reference(chain[-1].name, 0, 0),))


def _input_shape(layer: Layer) -> Any:
    """Give the shape that a layer, or the model that it is, says it takes; None if it says nothing."""
    if layer.model is None:
        return layer.options.get("batch_input_shape", layer.options.get("batch_shape"))
    entries = {reference.layer for reference in layer.model.inputs}
    return next((_input_shape(inner) for inner in layer.model.layers if inner.name in entries), None)


def _layer(item: dict[str, Any], depth: int, calls: tuple[Call, ...], spare_name: str = "") -> Layer:
    config = item["config"]
    name = item.get("name") or (config["name"] if isinstance(config, dict) else None) or spare_name
    if not is_name(name):
        raise ConversionError(f"a layer's name must be printable text, not {name!r:.60}")
    model = _model(item, depth + 1) if class_name(item) in MODEL_CLASSES else None
    options = {key: _plain(value) for key, value in config.items()} if isinstance(config, dict) else {}
    return Layer(name, class_name(item), options, calls, model)


def class_name(item: dict[str, Any]) -> str:
    """Give the class of a layer, with the module or package it comes from where that is not Keras.

    Where modules are written, none stands for the program that made the model; most of Keras 2 writes no modules.
    """
    module = str(item.get("module", "keras") or "__main__")
    kind = str(item.get("registered_name") or item["class_name"])
    return kind if module.split(".")[0] in ("keras", "tf_keras") else f"{module}.{kind}"


def _ends(ends: Any) -> tuple[Reference, ...]:
    """Read inputs or outputs of a model: one ``[layer, call, output]`` or any nesting of them.

    Keras numbers named ones in the order of their names or of their making, by version and by the type of the mapping,
    which the file does not record.
    """
    if isinstance(ends, list) and len(ends) == 3 and isinstance(ends[0], str):
        return (Reference(ends[0], int(ends[1]), int(ends[2])),)
    if isinstance(ends, dict) and len(ends) > 1:
        listed = ", ".join(map(repr, ends))
        raise ConversionError(f"the order of inputs or outputs named {listed:.120} cannot be told from the file")
    parts = ends.values() if isinstance(ends, dict) else ends
    return tuple(reference for part in parts for reference in _ends(part))


def _calls(inbound_nodes: list[Any]) -> tuple[Call, ...]:
    return tuple(_keras_3_call(node) if _is_keras_3_call(node) else _keras_2_call(node) for node in inbound_nodes)


def _is_keras_3_call(node: Any) -> bool:
    return isinstance(node, dict) and node.keys() == {"args", "kwargs"}


def _plain(value: Any) -> Any:
    """Unwrap an option that is recorded as an array."""
    if isinstance(value, dict) and value.get("class_name") in ("__numpy__", "__tensor__"):
        return value["config"]["value"]
    return value


def _keras_3_call(node: dict[str, Any]) -> Call:
    keywords = {key: _keras_3_value(value) for key, value in node["kwargs"].items()}
    return Call(tuple(_keras_3_value(value) for value in node["args"]), keywords)


def _keras_3_value(value: Any) -> Any:
    if isinstance(value, list):
        return [_keras_3_value(item) for item in value]
    if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
        layer, call, output = value["config"]["keras_history"]
        return Reference(str(layer), int(call), int(output))
    value = _plain(value)
    return {key: _keras_3_value(item) for key, item in value.items()} if isinstance(value, dict) else value


def _keras_2_call(node: Any) -> Call:
    """Read a call in which every tensor is ``[layer, call, output, keywords]``; the keywords are all alike."""
    if isinstance(node, dict):
        first, *_ = node.values()
        return Call(({name: _keras_2_reference(item) for name, item in node.items()},), _keras_2_keywords(first))
    if isinstance(node[0], str):  # an operation of TensorFlow called as a layer, on one tensor
        return Call((_keras_2_reference(node),), _keras_2_keywords(node))
    tensors = [_keras_2_reference(item) for item in node]
    return Call((tensors[0] if len(tensors) == 1 else tensors,), _keras_2_keywords(node[0]))


def _keras_2_reference(item: list[Any]) -> Any:
    if item[0] == "_CONSTANT_VALUE":
        return item[2]
    return Reference(str(item[0]), int(item[1]), int(item[2]))


def _keras_2_keywords(item: list[Any]) -> dict[str, Any]:
    keywords = item[3] if len(item) > 3 else {}
    return {key: _keras_2_value(value) for key, value in keywords.items() if key != "name"}


def _keras_2_value(value: Any) -> Any:
    """Read a keyword of an operation: a tensor there is written as a bare ``[layer, call, output]``."""
    if isinstance(value, list) and len(value) == 3 and isinstance(value[0], str):
        return _keras_2_reference(value)
    return value
