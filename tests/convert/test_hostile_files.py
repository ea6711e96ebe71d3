"""Files made to do harm: each is refused in one line, soon and in little memory, and nothing is executed."""

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.convert.tiny_keras import (
    archive_members,
    tiny_config,
    tiny_h5,
    write_archive,
    write_elevation,
)

Refuse = Callable[..., str]


def zipped(*changes: tuple[str, bytes]) -> dict[str, bytes]:
    return archive_members() | dict(changes)


@pytest.mark.parametrize("name", ["../outside.h5", "/tmp/outside.h5", "assets/x", "..\\outside.h5", "config.json/"])
def test_archive_with_paths_outside(name: str, tmp_path: Path, refuse: Refuse) -> None:
    write_archive(tmp_path / "model.keras", zipped((name, b"x")))
    assert "and nothing else" in refuse(tmp_path / "model.keras")
    assert not list(tmp_path.parent.glob("outside*"))


def test_archive_without_arrays(tmp_path: Path, refuse: Refuse) -> None:
    members = archive_members()
    del members["model.weights.h5"]
    write_archive(tmp_path / "model.keras", members)
    assert "must hold" in refuse(tmp_path / "model.keras")


@pytest.mark.parametrize("name", ["config.json", "model.weights.h5", "metadata.json"])
def test_archive_that_unpacks_to_gigabytes(name: str, tmp_path: Path, refuse: Refuse) -> None:
    write_archive(tmp_path / "model.keras", zipped((name, bytes(2**26))), zipfile.ZIP_DEFLATED)
    assert name in refuse(tmp_path / "model.keras")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("metadata.json", b"[]"),
        ("metadata.json", b"{"),
        ("metadata.json", b'{"keras_version": "4.0"}'),
        ("config.json", b"null"),
        ("model.weights.h5", b"not HDF5"),
    ],
)
def test_archive_with_a_spoiled_member(name: str, content: bytes, tmp_path: Path, refuse: Refuse) -> None:
    write_archive(tmp_path / "model.keras", zipped((name, content)))
    assert "model.keras" in refuse(tmp_path / "model.keras")


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, 0.99])
def test_truncated_archive(kept: float, tmp_path: Path, refuse: Refuse) -> None:
    write_archive(tmp_path / "whole", archive_members())
    content = (tmp_path / "whole").read_bytes()
    (tmp_path / "model.keras").write_bytes(content[: int(kept * len(content))])
    assert "model.keras" in refuse(tmp_path / "model.keras")


def test_archive_with_a_spoiled_byte(tmp_path: Path, refuse: Refuse) -> None:
    write_archive(tmp_path / "whole", archive_members())
    content = bytearray((tmp_path / "whole").read_bytes())
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "model.keras").write_bytes(content)
    assert "model.keras" in refuse(tmp_path / "model.keras")


def external_link(file: h5py.File) -> None:
    del file["model_weights/dense/dense/kernel:0"]
    file["model_weights/dense/dense/kernel:0"] = h5py.ExternalLink("/etc/passwd", "/")


def external_link_as_layer(file: h5py.File) -> None:
    del file["model_weights/flatten"]
    file["model_weights/flatten"] = h5py.ExternalLink("other.h5", "/")


def soft_link_loop(file: h5py.File) -> None:
    del file["model_weights/flatten"]
    file["model_weights/flatten"] = h5py.SoftLink("/model_weights/flatten")


def hard_link_loop(file: h5py.File) -> None:
    file["model_weights/dense/again"] = file["model_weights"]


def external_storage(file: h5py.File) -> None:
    del file["model_weights/dense/dense/kernel:0"]
    group = file["model_weights/dense/dense"]
    group.create_dataset("kernel:0", (60, 4), "f4", external=[("/etc/passwd", 0, 960)])


def virtual_dataset(file: h5py.File) -> None:
    del file["model_weights/dense/dense/kernel:0"]
    layout = h5py.VirtualLayout((60, 4), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "data", (60, 4))
    file["model_weights/dense/dense"].create_virtual_dataset("kernel:0", layout)


def claim(numbers: int) -> Callable[[h5py.File], None]:
    def spoil(file: h5py.File) -> None:
        del file["model_weights/dense/dense/kernel:0"]
        group = file["model_weights/dense/dense"]
        group.create_dataset("kernel:0", (numbers,), "f4", chunks=(2**20,), compression="gzip")

    return spoil


def one_chunk_of_many(file: h5py.File) -> None:
    claim(2**27)(file)
    file["model_weights/dense/dense/kernel:0"][: 2**20] = 1


def wide_numbers(file: h5py.File) -> None:
    del file["model_weights/dense/dense/kernel:0"]
    file["model_weights/dense/dense/kernel:0"] = np.zeros((60, 4), np.longdouble)


def text_array(file: h5py.File) -> None:
    del file["model_weights/dense/dense/bias:0"]
    file["model_weights/dense/dense/bias:0"] = ["a", "b", "c", "d"]


def unused_array(file: h5py.File) -> None:
    file["model_weights/dense/dense/extra:0"] = np.zeros(3, np.float32)


def unused_listed_array(file: h5py.File) -> None:
    unused_array(file)
    names = [b"dense/kernel:0", b"dense/bias:0", b"dense/extra:0"]
    file["model_weights/dense"].attrs["weight_names"] = np.array(names)


def unused_layer(file: h5py.File) -> None:
    file["model_weights/another/another/kernel:0"] = np.zeros(3, np.float32)


def unused_group(file: h5py.File) -> None:
    file["more/kernel:0"] = np.zeros(3, np.float32)


def missing_array(file: h5py.File) -> None:
    del file["model_weights/dense/dense/bias:0"]


def missing_name(file: h5py.File) -> None:
    file["model_weights/dense"].attrs["weight_names"] = np.array([b"dense/kernel:0"])


def exchanged_names(file: h5py.File) -> None:
    file["model_weights/dense"].attrs["weight_names"] = np.array([b"dense/kernel:0", b"dense/gamma:0"])
    file["model_weights/dense/dense"].move("bias:0", "gamma:0")


def not_finite(file: h5py.File) -> None:
    file["model_weights/dense/dense/bias:0"][2] = np.nan


def no_configuration(file: h5py.File) -> None:
    del file.attrs["model_config"]


def no_weights(file: h5py.File) -> None:
    del file["model_weights"]


def numeric_configuration(file: h5py.File) -> None:
    file.attrs["model_config"] = np.arange(5)


def latin_configuration(file: h5py.File) -> None:
    file.attrs["model_config"] = np.bytes_(b"\xff\xfe{}")


def other_backend(file: h5py.File) -> None:
    file.attrs["backend"] = b"theano"


def version_four(file: h5py.File) -> None:
    file.attrs["keras_version"] = "4.0.0"


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (external_link, "external link"),
        (external_link_as_layer, "external link"),
        (soft_link_loop, "soft link"),
        (hard_link_loop, "deep|objects"),
        (external_storage, "another file"),
        (virtual_dataset, "another file"),
        (claim(10**12), "claims 4000000000000 bytes"),
        (claim(2**28), "stores 0"),
        (one_chunk_of_many, "claims 536870912 bytes and stores"),
        (wide_numbers, "not an array of numbers"),
        (text_array, "not an array of numbers"),
        (unused_array, "does not use.*extra"),
        (unused_listed_array, "3 arrays"),
        (unused_layer, "does not use.*another"),
        (unused_group, "more"),
        (missing_array, "bias"),
        (missing_name, "1 arrays"),
        (exchanged_names, "cannot be matched"),
        (not_finite, "not finite"),
        (no_configuration, "model_config"),
        (no_weights, "model_weights"),
        (numeric_configuration, "not text"),
        (latin_configuration, "sound"),
        (version_four, "4.0.0"),
        (other_backend, "theano"),
    ],
)
def test_spoiled_hdf5(spoil: Callable[[h5py.File], None], complaint: str, tmp_path: Path, refuse: Refuse) -> None:
    with tiny_h5(tmp_path / "model.h5") as file:
        spoil(file)
    assert re.search(complaint, refuse(tmp_path / "model.h5"))


@pytest.mark.parametrize("kept", [0, 4, 100, 0.3, 0.7, 0.98])
def test_truncated_hdf5(kept: float, tmp_path: Path, refuse: Refuse) -> None:
    with tiny_h5(tmp_path / "whole.h5"):
        pass
    content = (tmp_path / "whole.h5").read_bytes()
    (tmp_path / "model.h5").write_bytes(content[: int(kept if kept > 1 else kept * len(content))])
    assert "model.h5" in refuse(tmp_path / "model.h5")


def nested(levels: int, calls: int) -> str:
    """Describe models within models, each calling the next so many times."""
    images = {"class_name": "InputLayer", "name": "x", "config": {"name": "x", "batch_input_shape": [None, 4, 5, 3]}}
    images["inbound_nodes"] = []
    layer: dict[str, Any] = {"class_name": "Dropout", "config": {"name": "inner", "trainable": True}}
    for _ in range(levels):
        chain = [["x", 0, 0, {}], *(["inner", number, 0, {}] for number in range(calls - 1))]
        config = {
            "name": "inner",
            "layers": [images, {**layer, "name": "inner", "inbound_nodes": [[reference] for reference in chain]}],
            "input_layers": [["x", 0, 0]],
            "output_layers": [["inner", calls - 1, 0]],
        }
        layer = {"class_name": "Functional", "config": config}
    return json.dumps(layer)


@pytest.mark.parametrize(
    ("config", "complaint"),
    [
        ("[" * 10**5 + "]" * 10**5, "nested|sound"),
        ('{"a":' * 10**5 + "1" + "}" * 10**5, "nested|sound"),
        ("[" * 500 + "]" * 500, "nested"),
        ('{"class_name": "Sequential", "config": {"layers": [1]}}', "does not describe"),
        ('{"class_name": "Sequential", "config": {"layers": []}}', "input shape"),
        ('{"class_name": "Sequential", "config": null}', "does not describe"),
        ('{"class_name": ["Sequential"], "config": {}}', "of class"),
        ('{"class_name": "MyModel", "config": {}}', "MyModel"),
        ('{"class_name": "Functional", "config": {"layers": [], "input_layers": [], "output_layers": []}}', "0 inputs"),
        ("1" * 10**6, "sound"),
        ("{", "sound"),
        (nested(20, 1), "nested more than 16"),
        (nested(15, 9), "calls of layers"),
    ],
)
def test_hostile_configuration(config: str, complaint: str, tmp_path: Path, refuse: Refuse) -> None:
    with tiny_h5(tmp_path / "model.h5", config) as file:
        del file["model_weights/dense"]
    assert re.search(complaint, refuse(tmp_path / "model.h5"))


def huge_number(config: dict[str, Any]) -> None:
    config["config"]["layers"][2]["config"]["units"] = 10**400


def huge_rate(config: dict[str, Any]) -> None:
    config["config"]["layers"][1] = {"class_name": "ReLU", "config": {"name": "a", "trainable": True}}
    config["config"]["layers"][1]["config"]["max_value"] = 10**400


def infinite_call(config: dict[str, Any]) -> None:
    config["class_name"] = "Functional"
    config["config"]["layers"] = [
        {"class_name": "Add", "name": "a", "config": {}, "inbound_nodes": [[["a", 1e999, 0]]]}
    ]
    config["config"] |= {"input_layers": [["a", 0, 0]], "output_layers": [["a", 0, 0]]}


def huge_constant(config: dict[str, Any], number: Any = 10**400) -> None:
    options = {"name": "flatten", "function": "math.add"}
    images, flatten, dense = config["config"]["layers"]
    images |= {"name": "images", "inbound_nodes": []}
    more = {"class_name": "TFOpLambda", "name": "more", "config": options}
    more["inbound_nodes"] = [["images", 0, 0, {"y": number}]]
    flatten |= {"name": "flatten", "inbound_nodes": [[["more", 0, 0, {}]]]}
    dense |= {"name": "dense", "inbound_nodes": [[["flatten", 0, 0, {}]]]}
    config["class_name"] = "Functional"
    config["config"]["layers"] = [images, more, flatten, dense]
    config["config"] |= {"input_layers": [["images", 0, 0]], "output_layers": [["dense", 0, 0]]}


def constant_beyond_float32(config: dict[str, Any]) -> None:
    huge_constant(config, 1e39)


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (huge_number, "units="),
        (huge_rate, "max_value="),
        (infinite_call, "does not describe"),
        (huge_constant, "more"),
        (constant_beyond_float32, "not within float32"),
    ],
)
def test_number_beyond_float32(
    spoil: Callable[[dict[str, Any]], None], complaint: str, tmp_path: Path, refuse: Refuse
) -> None:
    config = tiny_config()
    spoil(config)
    with tiny_h5(tmp_path / "model.h5", json.dumps(config)):
        pass
    assert complaint in refuse(tmp_path / "model.h5")


def test_configuration_beyond_measure(tmp_path: Path, refuse: Refuse) -> None:
    config = (b"[" + b"{}," * 2**21)[:-1] + b"]"
    write_archive(tmp_path / "model.keras", zipped(("config.json", config)))
    assert "config.json claims" in refuse(tmp_path / "model.keras")


@pytest.mark.parametrize("class_name", ["\x1b[2J\nLambda", "\u202eadbmaL", "L" * 10**6])
def test_class_name_that_would_rule_the_terminal(class_name: str, tmp_path: Path, refuse: Refuse) -> None:
    config = tiny_config()
    config["config"]["layers"][1]["class_name"] = class_name
    with tiny_h5(tmp_path / "model.h5", json.dumps(config)):
        pass
    line = refuse(tmp_path / "model.h5")
    assert "layer flatten (" in line
    assert line.rstrip("\n").isprintable()


def test_array_name_that_would_rule_the_terminal(tmp_path: Path, refuse: Refuse) -> None:
    with tiny_h5(tmp_path / "model.h5") as file:
        file["model_weights/dense/\x1b[2J\nextra"] = np.zeros(3, np.float32)
    assert refuse(tmp_path / "model.h5").rstrip("\n").isprintable()


def test_layer_name_that_would_rule_the_terminal(tmp_path: Path, refuse: Refuse) -> None:
    config = tiny_config()
    config["config"]["layers"][1]["config"]["name"] = "\x1b[2J\nflatten"
    with tiny_h5(tmp_path / "model.h5", json.dumps(config)):
        pass
    assert "printable" in refuse(tmp_path / "model.h5")


def test_network_without_probabilities(tmp_path: Path, refuse: Refuse) -> None:
    with tiny_h5(tmp_path / "model.h5", json.dumps(tiny_config(activation="linear"))):
        pass
    assert "softmax" in refuse(tmp_path / "model.h5")


def test_class_count_that_does_not_fit(tmp_path: Path, refuse: Refuse) -> None:
    with tiny_h5(tmp_path / "model.h5"):
        pass
    write_elevation(tmp_path / "angles.npy")
    line = refuse(tmp_path / "model.h5", "--classes", "a,b,c", "--elevation", str(tmp_path / "angles.npy"))
    assert "3 classes" in line
