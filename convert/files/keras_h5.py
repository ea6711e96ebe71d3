"""Keras models in HDF5 files: Keras 2 under any file name, and the legacy format of Keras 3."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import h5py
from numpy.typing import NDArray

from aurorapt.errors import ConversionError

from ..keras_model import Model, parse_model
from ..writer import Writer
from .hdf5 import ArrayReader, child, list_arrays, open_hdf5
from .keras_file import KerasFile
from .texts import TextReader, largest_texts_of_file
from .variables import is_seed_state, match_names

NOT_WEIGHTS = {"optimizer_weights"}  # beside model_weights, of use to training only
MODEL_WEIGHTS = "model_weights"


def read_keras_h5(path: Path) -> KerasFile:
    """Read a model and all its arrays.

    Raises
    ------
    ConversionError
        If the file is damaged, holds no whole model, or holds arrays that the model does not use.
    """
    with open_hdf5(str(path)) as file:
        texts = TextReader(file, largest_texts_of_file(path))
        text = texts.text(file.attrs, "model_config")
        if text is None:
            raise ConversionError("holds no model_config: weights alone cannot be converted, save the whole model")
        version = texts.text(file.attrs, "keras_version")
        version = "2" if version is None else version  # the earliest files give none
        writer = Writer(version, texts.text(file.attrs, "backend") or "")
        if odd := set(file) - NOT_WEIGHTS - {MODEL_WEIGHTS}:
            raise ConversionError(f"holds groups that no Keras model has: {', '.join(sorted(odd)[:5])}")
        group = child(file, MODEL_WEIGHTS)
        if not isinstance(group, h5py.Group):
            raise ConversionError(f"{MODEL_WEIGHTS} is not a group")
        names = texts.names(group.attrs, "layer_names")
        model = parse_model(text, names)
        return KerasFile(model, _read_arrays(group, texts, model, names, writer.major), writer)


def _read_arrays(
    group: h5py.Group, texts: TextReader, model: Model, listed: Collection[str], keras_major: int
) -> dict[tuple[str, ...], dict[str, NDArray[Any]]]:
    unused = set(list_arrays(group))
    reader = ArrayReader()
    arrays: dict[tuple[str, ...], dict[str, NDArray[Any]]] = {}
    for layer in model.layers:
        names = texts.names(child(group, layer.name).attrs, "weight_names") if layer.name in listed else []
        for path, variable, name in match_names(layer, names, keras_major):
            arrays.setdefault(path, {})[variable] = reader.read(group, f"{layer.name}/{name}")
            unused.discard(f"{layer.name}/{name}")
    unused = {name for name in unused if not is_seed_state(name)}
    if unused:
        raise ConversionError(f"holds arrays that the model does not use: {', '.join(sorted(unused)[:5])}")
    return arrays
