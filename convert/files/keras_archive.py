"""Keras models in ``.keras`` archives: a zip of a configuration, its metadata and an HDF5 file of arrays.

Arrays stand under ``layers/CLASS_NUMBER/vars/0``, 1, ..., where CLASS is the layer's class in small letters and layers
of one class are numbered within their model. Nothing is unpacked to disk.
"""

import io
import json
import re
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import h5py
from numpy.typing import NDArray

from aurorapt.errors import ConversionError

from ..keras_model import LONGEST_CONFIGURATION, Layer, Model, parse_model
from ..layers.operators import is_operator
from ..writer import Writer
from .hdf5 import HIGHEST_COMPRESSION, ArrayReader, child, list_arrays, open_hdf5
from .keras_file import KerasFile
from .texts import TextReader, largest_texts
from .variables import layer_variables, variables_in_order

CONFIGURATION, METADATA, ARRAYS = "config.json", "metadata.json", "model.weights.h5"
LARGEST_MEMBERS = {CONFIGURATION: LONGEST_CONFIGURATION, METADATA: 2**20, ARRAYS: 2**31}  # bytes
TRAINING_ONLY = ("optimizer", "metrics", "seed_generator")  # parts of paths


_DAMAGE = (zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, OSError, ValueError, RuntimeError, EOFError)
COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)  # others may ask for any memory


class _Container(NamedTuple):
    """How a version of Keras keeps a model's layers: the group's name, and how far one with weights counts."""

    name: str
    step: int


# TensorFlow 2.12 listed each layer with weights under two names, and numbers both.
_CONTAINERS = (_Container("layers", 1), _Container("_layer_checkpoint_dependencies", 2))


def read_keras_archive(path: Path) -> KerasFile:
    """Read a model and all its arrays.

    Raises
    ------
    ConversionError
        If the archive is damaged, or holds anything that Keras does not write or arrays that the model does not use.
    """
    members = _read_members(path)
    model = parse_model(members[CONFIGURATION])
    writer = Writer(_keras_version(members[METADATA]))
    with open_hdf5(io.BytesIO(members[ARRAYS])) as file:
        texts = TextReader(file, largest_texts(members[ARRAYS]))
        return KerasFile(model, _read_arrays(file, texts, model), writer)


def _read_members(path: Path) -> dict[str, bytes]:
    try:
        with zipfile.ZipFile(path) as archive:
            listed = archive.infolist()
            names = [member.filename for member in listed]
            if sorted(names) != sorted(LARGEST_MEMBERS):
                shown = ", ".join(f"{name!r:.60}" for name in names[:5])
                raise ConversionError(f"must hold {', '.join(LARGEST_MEMBERS)} and nothing else; it holds {shown}")
            for member in listed:
                _check_member(member)
            return {member.filename: archive.read(member) for member in listed}
    except _DAMAGE as error:
        raise ConversionError(f"is not a sound .keras archive: {str(error) or 'it is cut short':.200}") from None


def _check_member(member: zipfile.ZipInfo) -> None:
    largest = LARGEST_MEMBERS[member.filename]
    if member.file_size > largest:
        raise ConversionError(f"{member.filename} claims {member.file_size} bytes, more than {largest}")
    if member.compress_type not in COMPRESSIONS:
        raise ConversionError(f"{member.filename} is packed in a way that Keras does not use")
    if member.file_size > HIGHEST_COMPRESSION * max(member.compress_size, 1):
        raise ConversionError(f"{member.filename} is packed more than {HIGHEST_COMPRESSION} times")


def _keras_version(metadata: bytes) -> str:
    try:
        return str(json.loads(metadata)["keras_version"])
    except (ValueError, RecursionError, KeyError, TypeError) as error:
        raise ConversionError(f"{METADATA} is not sound: {error!s:.100}") from None


def _read_arrays(file: h5py.File, texts: TextReader, model: Model) -> dict[tuple[str, ...], dict[str, NDArray[Any]]]:
    stored = _stored_arrays(file)
    roots = {name.split("/")[0] for name in stored}
    container = next((kind for kind in _CONTAINERS if kind.name in roots), _CONTAINERS[0])
    reader = ArrayReader()
    arrays: dict[tuple[str, ...], dict[str, NDArray[Any]]] = {}
    used = set()
    for path, layer, group in _groups(model, (), "", container):
        for number, variable in enumerate(layer_variables(layer)):
            name = f"{group}/vars/{number}"
            if name not in stored:
                raise ConversionError(f"layer {layer.name} ({layer.class_name}): its array {variable.name} is missing")
            arrays.setdefault(path, {})[variable.name] = reader.read(file, stored[name])
            _check_name(file, texts, stored[name], layer)
            used.add(name)
    if unused := stored.keys() - used:
        raise ConversionError(f"holds arrays that the model does not use: {', '.join(sorted(unused)[:5])}")
    return arrays


def _stored_arrays(file: h5py.File) -> dict[str, str]:
    """Find all arrays but those of training: path with slashes to path in the file, which Windows writes otherwise."""
    paths = list_arrays(file)
    stored = {path.replace("\\", "/"): path for path in paths}
    if len(stored) < len(paths):
        raise ConversionError("holds arrays whose paths differ in nothing but slashes and backslashes")
    return {name: path for name, path in stored.items() if not set(name.split("/")) & set(TRAINING_ONLY)}


def _check_name(file: h5py.File, texts: TextReader, path: str, layer: Layer) -> None:
    """Refuse an array whose group records another layer's name: the numbering would not be what it seems."""
    name = texts.text(child(file, path.rpartition("/")[0]).attrs, "name")
    if name not in (None, layer.name):
        raise ConversionError(f"layer {layer.name} ({layer.class_name}): its arrays are those of {name!r:.60}")


def _groups(
    model: Model, path: tuple[str, ...], prefix: str, container: _Container
) -> Iterator[tuple[tuple[str, ...], Layer, str]]:
    """Find path, layer and group of every layer that may own arrays, those of nested models included."""
    counts: dict[str, int] = {}
    for layer in model.layers:
        if layer.class_name == "InputLayer" or is_operator(layer):
            continue
        kind = _snake_case(layer.class_name)
        number = counts.get(kind, 0)
        owns_arrays = bool(variables_in_order(layer, (), keras_major=3))
        counts[kind] = number + (container.step if owns_arrays else 1)
        group = f"{prefix}{container.name}/{kind}" + (f"_{number}" if number else "")
        here = (*path, layer.name)
        if layer.model is not None:
            yield from _groups(layer.model, here, f"{group}/", container)
        else:
            yield here, layer, group


def _snake_case(class_name: str) -> str:
    """Turn ``GlobalAveragePooling2D`` to ``global_average_pooling2d``, by the rule Keras names groups with."""
    separated = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", class_name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", separated).lower()
