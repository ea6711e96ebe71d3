"""Configurations made to do harm: each is refused in one line, soon and in little memory."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.convert.tiny_keras import tiny_config, tiny_h5, write_elevation

Refuse = Callable[..., str]


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


def many_sizes() -> str:
    """Describe a chain of layers that bring images to ever other sizes."""
    layers: list[Any] = [{"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [None, 4, 5, 3]}}]
    for size in range(1500, 1600):
        options = {"name": f"to_{size}", "trainable": True, "height": size, "width": size}
        layers.append({"class_name": "Resizing", "config": options})
    return json.dumps({"class_name": "Sequential", "config": {"name": "model", "layers": layers}})


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
        (many_sizes(), "layer to_150[0-9] .* make up [0-9]+ numbers"),
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


@pytest.mark.parametrize("class_name", ["\x1b[2J\nLambda", "\u202eadbmaL", "L" * 10**6])
def test_class_name_that_would_rule_the_terminal(class_name: str, tmp_path: Path, refuse: Refuse) -> None:
    config = tiny_config()
    config["config"]["layers"][1]["class_name"] = class_name
    with tiny_h5(tmp_path / "model.h5", json.dumps(config)):
        pass
    line = refuse(tmp_path / "model.h5")
    assert "layer flatten (" in line
    assert line.rstrip("\n").isprintable()


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
