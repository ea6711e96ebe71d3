"""Ways in which different versions of Keras describe the same tiny model."""

import copy
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from aurorapt.errors import ConversionError
from tests.convert.running import assert_close, run_converted
from tests.convert.tiny_keras import SHAPE, archive_members, tiny_config, tiny_h5, write_archive

TOLERANCE = 1e-6  # the same sums in float32


def without_input_layer(config: dict[str, Any]) -> None:
    """Describe a Sequential model of TensorFlow 2.0 to 2.2: its first layer carries the input shape."""
    del config["config"]["layers"][0]
    config["config"]["layers"][0]["config"]["batch_input_shape"] = [None, *SHAPE]


def with_build_input_shape(config: dict[str, Any]) -> None:
    """Describe a Sequential model that was given its input shape by its first call."""
    del config["config"]["layers"][0]
    config["config"]["build_input_shape"] = [None, *SHAPE]


def bare_list(config: dict[str, Any]) -> None:
    """Describe a Sequential model of Keras before 2.2.3: a list of layers."""
    without_input_layer(config)
    config["config"] = config["config"]["layers"]


def functional_model(config: dict[str, Any]) -> None:
    """Describe the model as Functional, under the class name that TensorFlow 2.0 to 2.2 gave it."""
    names = ["images", "flatten", "dense"]
    for number, layer in enumerate(config["config"]["layers"]):
        layer["name"] = names[number]
        layer["inbound_nodes"] = [[[names[number - 1], 0, 0, {}]]] if number else []
    config["config"] |= {"input_layers": [["images", 0, 0]], "output_layers": [["dense", 0, 0]]}
    config["class_name"] = "Model"


def modules_named(config: dict[str, Any]) -> None:
    """Describe layers as TensorFlow 2.13 to 2.15: with module and registered name."""
    for layer in config["config"]["layers"]:
        layer |= {"module": "keras.layers", "registered_name": None, "build_config": {"input_shape": [None]}}
    config |= {"module": "keras.src.engine.sequential", "registered_name": "Sequential"}


def fixed_batch(config: dict[str, Any]) -> None:
    """Describe a model with a fixed number of images in a batch, which its weights do not depend on."""
    config["config"]["layers"][0]["config"]["batch_input_shape"] = [8, *SHAPE]


@pytest.mark.parametrize(
    "rewrite", [without_input_layer, with_build_input_shape, bare_list, functional_model, modules_named, fixed_batch]
)
def test_same_result_in_every_dialect(rewrite: Callable[[dict[str, Any]], None], tmp_path: Path) -> None:
    config = copy.deepcopy(tiny_config())
    rewrite(config)
    with tiny_h5(tmp_path / "rewritten.h5", json.dumps(config)):
        pass
    assert_same_as_the_plain_one(tmp_path / "rewritten.h5", tmp_path)


def cut_name_lists(file: h5py.File) -> None:
    """Keep names in numbered pieces, as Keras does where a list outgrows one attribute."""
    weights = file["model_weights"]
    del weights.attrs["layer_names"]
    weights.attrs["layer_names0"], weights.attrs["layer_names1"] = np.array([b"flatten"]), np.array([b"dense"])
    dense = weights["dense"]
    del dense.attrs["weight_names"]
    dense.attrs["weight_names0"] = np.array([b"dense/kernel:0"])
    dense.attrs["weight_names1"] = np.array([b"dense/bias:0"])


def names_of_a_scope(file: h5py.File) -> None:
    """Name arrays by the models around them, as Keras 2 does for models made inside others."""
    dense = file["model_weights/dense"]
    dense.move("dense", "outer/inner/dense")
    names = [b"outer/inner/dense/kernel:0", b"outer/inner/dense/bias:0"]
    dense.attrs["weight_names"] = np.array(names)


def text_as_bytes(file: h5py.File) -> None:
    """Keep the configuration as bytes of fixed length, as early versions do."""
    file.attrs["model_config"] = np.bytes_(file.attrs["model_config"])


def unreleased_version(file: h5py.File) -> None:
    file.attrs["keras_version"] = "2.2.4-tf"


def no_version(file: h5py.File) -> None:
    del file.attrs["keras_version"]


def optimizer_and_losses(file: h5py.File) -> None:
    file.attrs["training_config"] = b"{}"
    file["optimizer_weights/Adam/m/dense/kernel:0"] = np.zeros((60, 4), np.float32)
    file.create_group("model_weights/top_level_model_weights").attrs["weight_names"] = np.array([], "S1")


@pytest.mark.parametrize(
    "rewrite", [cut_name_lists, names_of_a_scope, text_as_bytes, unreleased_version, no_version, optimizer_and_losses]
)
def test_same_result_from_every_layout(rewrite: Callable[[h5py.File], None], tmp_path: Path) -> None:
    with tiny_h5(tmp_path / "rewritten.h5") as file:
        rewrite(file)
    assert_same_as_the_plain_one(tmp_path / "rewritten.h5", tmp_path)


def test_same_result_from_an_archive(tmp_path: Path) -> None:
    write_archive(tmp_path / "model.keras", archive_members())
    assert_same_as_the_plain_one(tmp_path / "model.keras", tmp_path)


def rewritten_archive(path: Path, rewrite: Callable[[h5py.File], None]) -> None:
    members = archive_members()
    content = io.BytesIO(members["model.weights.h5"])
    with h5py.File(content, "r+") as file:
        rewrite(file)
    write_archive(path, members | {"model.weights.h5": content.getvalue()})


def backslashes(file: h5py.File) -> None:
    """Name groups as TensorFlow does on Windows."""
    file.move("layers/dense", "layers\\dense")
    del file["layers"]


def training(file: h5py.File) -> None:
    """Add what training leaves, at the top and in a group of its own on Windows."""
    for name in ("optimizer/vars/0", "metrics/mean/vars/0", "metrics\\auc/vars/0", "optimizer\\vars/1"):
        file[name] = np.zeros(2, np.float32)


@pytest.mark.parametrize("rewrite", [backslashes, training])
def test_same_result_from_archives_of_other_layouts(rewrite: Callable[[h5py.File], None], tmp_path: Path) -> None:
    rewritten_archive(tmp_path / "model.keras", rewrite)
    assert_same_as_the_plain_one(tmp_path / "model.keras", tmp_path)


def test_archive_with_both_slashes(tmp_path: Path) -> None:
    def both(file: h5py.File) -> None:
        file["layers\\dense/vars/0"] = np.zeros(3, np.float32)

    rewritten_archive(tmp_path / "model.keras", both)
    with pytest.raises(ConversionError, match="slashes"):
        run_converted(tmp_path / "model.keras", np.zeros((1, *SHAPE), np.float32))


def assert_same_as_the_plain_one(path: Path, folder: Path) -> None:
    with tiny_h5(folder / "plain.h5"):
        pass
    images = np.random.default_rng(20140310).uniform(-1, 1, (5, *SHAPE)).astype(np.float32)
    assert_close(run_converted(path, images), run_converted(folder / "plain.h5", images), TOLERANCE)
