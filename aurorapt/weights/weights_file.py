"""The weights file: a network, its classes and everything needed to feed it, in one safetensors file.

Nothing in it is executed. Reading proves the whole file sound or refuses it by name and reason.
"""

import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from aurorapt.errors import WeightsError, one_line
from aurorapt.images.preprocess import RECIPE
from aurorapt.machine.plain_files import read_plain
from aurorapt.machine.whole_files import WriteError, write_whole
from aurorapt.themis import FRAME_SIZE, LONGEST_CLASS_NAME, MOST_CLASSES
from aurorapt.weights.attributes import require
from aurorapt.weights.graph import MOST_NODES, Graph, Node, check_graph, is_name
from aurorapt.weights.operations import Shape
from aurorapt.weights.sound_json import read_object

FORMAT_VERSION = 1
KINDS = ("published", "converted", "simulated")
SIMULATED_NOTICE = (
    "these weights were trained on simulated frames: they are for trying the tool, not for science; see README.md"
)

MASK_NAME = "elevation_mask"
METADATA_KEY = "aurorapt"
LARGEST_FILE = 4 * 2**30  # bytes
LARGEST_HEADER = 16 * 2**20  # bytes; a NASNetLarge of 1000 nodes needs half a megabyte
LARGEST_INPUT = 4096  # pixels, each way
FORMULAS = ("=", "+", "-", "@", "")  # beginnings of texts that a spreadsheet would run; a name of spaces has none


@dataclass(frozen=True)
class Weights:
    """What a weights file holds.

    Attributes
    ----------
    name : of the model, for logs and companions
    kind : published, converted or simulated
    classes : class names in the order of the network's outputs
    input_shape : (channel, y, x) of one image
    preprocessing : the recipe that makes an image of a frame; `aurorapt.images.preprocess.RECIPE`
    graph : the network
    tensors : ``node_name/parameter`` to float32 array, in torch's layout
    elevation_mask : (256, 256) uint8 [frame, y, x]; 1 where a pixel is kept, 0 where it becomes zero
    provenance : where it came from
    sha256 : of the file it was read from; empty otherwise
    """

    name: str
    kind: str
    classes: tuple[str, ...]
    input_shape: tuple[int, int, int]
    preprocessing: Mapping[str, Any]
    graph: Graph
    tensors: Mapping[str, NDArray[np.float32]]
    elevation_mask: NDArray[np.uint8]
    provenance: Mapping[str, Any]
    sha256: str = ""

    @cached_property
    def identity(self) -> str:
        """SHA-256 of what they compute: the same for every conversion of one model, whenever it was converted."""
        # values are numbered, since their names say nothing of what is computed
        number = {name: place for place, name in enumerate((*self.graph.inputs, *(n.name for n in self.graph.nodes)))}
        nodes = [
            (node.op, [number[value] for value in node.inputs], sorted(node.attributes.items()))
            for node in self.graph.nodes
        ]
        tensors = {}
        for name, tensor in self.tensors.items():
            node, _, parameter = name.rpartition("/")
            tensors[number[node], parameter] = tensor
        content = hashlib.sha256()
        for part in (nodes, self.classes, self.input_shape, sorted(self.preprocessing.items()), sorted(tensors)):
            content.update(json.dumps(part).encode())
        for key in sorted(tensors):
            content.update(tensors[key].astype("<f4").tobytes())
        content.update(self.elevation_mask.tobytes())
        return content.hexdigest()

    @property
    def parameter_count(self) -> int:
        """Numbers in all tensors of the network."""
        return sum(tensor.size for tensor in self.tensors.values())


def read_weights(path: str | os.PathLike[str]) -> Weights:
    """Read a weights file and prove it sound.

    Raises
    ------
    WeightsError
        Naming the file and the reason.
    """
    try:
        content = _read_bytes(Path(path))
        document, tensors = _decode(content)
        weights = _from_document(document, tensors)
        check_weights(weights)
    except WeightsError as error:
        raise WeightsError(one_line(f"{path}: {error}")) from None
    return replace(weights, sha256=hashlib.sha256(content).hexdigest())


def write_weights(path: str | os.PathLike[str], weights: Weights) -> None:
    """Write a weights file; the name appears only once the whole file is on disk.

    Raises
    ------
    WeightsError
        If ``weights`` would not be read back, or the file cannot be written.
    """
    check_weights(weights)
    content = safetensors.numpy.save(
        {**weights.tensors, MASK_NAME: weights.elevation_mask}, {METADATA_KEY: json.dumps(_to_document(weights))}
    )
    try:
        write_whole({Path(path): content})
    except WriteError as error:
        raise WeightsError(f"{path}: cannot be written: {error.strerror}") from None


def check_weights(weights: Weights) -> None:
    """Prove that weights are whole and fit together.

    Raises
    ------
    WeightsError
        Saying what is wrong.
    """
    require(is_name(weights.name), "the name must be printable text")
    require(
        _is_printable(weights.provenance), "the provenance must be of printable texts and finite numbers, in few levels"
    )
    require(weights.kind in KINDS, f"kind must be one of {', '.join(KINDS)}, not {weights.kind!r:.60}")
    check_classes(weights.classes)
    require(
        dict(weights.preprocessing) == RECIPE,
        f"asks for another preprocessing than this version's: {dict(weights.preprocessing)!r:.300}",
    )
    require(weights.input_shape[0] in (1, 3), f"the input must have 1 or 3 channels, not {weights.input_shape[0]}")
    require(
        all(1 <= size <= LARGEST_INPUT for size in weights.input_shape[1:]),
        f"the input must be 1 to {LARGEST_INPUT} pixels each way, not {weights.input_shape[1:]}",
    )
    parameters = check_graph(weights.graph, weights.input_shape, len(weights.classes))
    _check_tensors(weights.tensors, parameters)
    mask = weights.elevation_mask
    sound = mask.dtype == np.uint8 and mask.shape == (FRAME_SIZE, FRAME_SIZE) and mask.max() <= 1
    require(sound, f"the elevation mask must be uint8, {FRAME_SIZE} by {FRAME_SIZE}, of zeros and ones")


def _is_printable(value: Any, levels: int = 4) -> bool:
    """Tell whether a value holds only printable texts and finite numbers, in few levels of lists and objects."""
    if isinstance(value, Mapping):
        value = [part for pair in value.items() for part in pair]
    if isinstance(value, (list, tuple)):
        return levels > 0 and all(_is_printable(part, levels - 1) for part in value)
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, str) or value.isprintable()


def check_classes(classes: tuple[str, ...]) -> None:
    """Prove that class names can stand in a CSV, whatever reads it.

    Raises
    ------
    WeightsError
        Saying what is wrong.
    """
    for name in classes:
        usable = is_name(name, LONGEST_CLASS_NAME) and name.isascii() and not set(name) & set(',"#')
        require(usable, f"a class name must be 1 to {LONGEST_CLASS_NAME} printable ASCII characters, not {name!r:.60}")
        harmless = name.lstrip()[:1] not in FORMULAS
        require(harmless, f"a class name must not begin like a formula of a spreadsheet (= + - @), as {name!r} does")
    require(len(set(classes)) == len(classes), f"two classes have one name: {', '.join(classes)}")
    require(2 <= len(classes) <= MOST_CLASSES, f"there must be 2 to {MOST_CLASSES} classes, not {len(classes)}")


def _check_tensors(tensors: Mapping[str, NDArray[np.float32]], parameters: Mapping[str, Shape]) -> None:
    missing, extra = parameters.keys() - tensors.keys(), tensors.keys() - parameters.keys()
    require(not missing, f"tensors are missing: {_some(missing)}")
    require(not extra, f"tensors that the network does not use: {_some(extra)}")
    for name, tensor in tensors.items():
        require(tensor.dtype == np.float32, f"tensor {name} must be float32, not {tensor.dtype}")
        require(tensor.shape == parameters[name], f"tensor {name} must be {parameters[name]}, not {tensor.shape}")
        require(bool(np.isfinite(tensor).all()), f"tensor {name} has values that are not finite")
        if name.endswith("/running_var"):
            require(bool((tensor >= 0).all()), f"tensor {name} has negative variances")


def _some(names: set[str]) -> str:
    listed = ", ".join(sorted(names)[:5])
    return f"{listed:.300}" if len(names) <= 5 else f"{listed:.300} and {len(names) - 5} more"


def _read_bytes(path: Path) -> bytes:
    try:
        return read_plain(path, LARGEST_FILE)
    except OSError as error:
        raise WeightsError(f"cannot be read: {error.strerror}") from None


def _decode(content: bytes) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    header_bytes = int.from_bytes(content[:8], "little")
    require(len(content) >= 8 and header_bytes <= len(content) - 8, "is not a weights file, or is cut short")
    require(header_bytes <= LARGEST_HEADER, f"its header claims {header_bytes} bytes, more than {LARGEST_HEADER}")
    header = read_object(content[8 : 8 + header_bytes])
    metadata = header.get("__metadata__")
    text = metadata.get(METADATA_KEY) if isinstance(metadata, dict) else None
    require(isinstance(text, str), "is a safetensors file, but not a weights file of aurorapt")
    for name, tensor in header.items():
        if name != "__metadata__":
            known = isinstance(tensor, dict) and tensor.get("dtype") in ("F32", "U8")
            require(known, f"tensor {name!r:.60} is neither float32 nor uint8")
    try:
        tensors = safetensors.numpy.load(content)
    except (safetensors.SafetensorError, ValueError) as error:
        raise WeightsError(f"is damaged: {error!s:.200}") from None
    return read_object(str(text).encode()), tensors


def _to_document(weights: Weights) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "name": weights.name,
        "kind": weights.kind,
        "classes": weights.classes,
        "input_shape": weights.input_shape,
        "preprocessing": dict(weights.preprocessing),
        "graph": _graph_document(weights.graph),
        "provenance": dict(weights.provenance),
    }


def _graph_document(graph: Graph) -> dict[str, Any]:
    nodes = [
        {"name": node.name, "op": node.op, "inputs": node.inputs, "attributes": dict(node.attributes)}
        for node in graph.nodes
    ]
    return {"nodes": nodes, "inputs": graph.inputs, "outputs": graph.outputs}


def _from_document(document: dict[str, Any], tensors: dict[str, NDArray[Any]]) -> Weights:
    version = document.get("format_version")
    require(
        type(version) is int and version == FORMAT_VERSION,
        f"has format version {version!r:.60}; this aurorapt reads version {FORMAT_VERSION}",
    )
    graph = _take(document, "graph", dict)
    nodes = _take(graph, "nodes", list)
    require(len(nodes) <= MOST_NODES, f"the graph has {len(nodes)} nodes, more than {MOST_NODES}")
    shape = tuple(_take(document, "input_shape", list))
    whole = len(shape) == 3 and all(isinstance(size, int) and not isinstance(size, bool) for size in shape)
    require(whole, "input_shape must be three whole numbers (channel, y, x)")
    require(MASK_NAME in tensors, "the elevation mask is missing")
    return Weights(
        name=_take(document, "name", str),
        kind=_take(document, "kind", str),
        classes=_names(document, "classes"),
        input_shape=(shape[0], shape[1], shape[2]),
        preprocessing=_take(document, "preprocessing", dict),
        graph=Graph(tuple(map(_to_node, nodes)), _names(graph, "inputs"), _names(graph, "outputs")),
        tensors={name: tensor for name, tensor in tensors.items() if name != MASK_NAME},
        elevation_mask=tensors[MASK_NAME],
        provenance=_take(document, "provenance", dict),
    )


def _to_node(description: Any) -> Node:
    require(isinstance(description, dict), "a node is not a JSON object")
    attributes = _take(description, "attributes", dict)
    return Node(
        name=_take(description, "name", str),
        op=_take(description, "op", str),
        inputs=_names(description, "inputs"),
        attributes={key: tuple(value) if isinstance(value, list) else value for key, value in attributes.items()},
    )


def _take(document: Mapping[str, Any], key: str, kind: type) -> Any:
    value = document.get(key)
    require(isinstance(value, kind), f"its description has no sound {key!r}")
    return value


def _names(document: Mapping[str, Any], key: str) -> tuple[str, ...]:
    values = _take(document, key, list)
    require(all(isinstance(value, str) for value in values), f"{key!r} must be a list of names")
    return tuple(values)
