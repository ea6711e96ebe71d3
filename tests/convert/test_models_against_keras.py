"""Models that Keras 3 describes in ways of its own: converted to its results, or refused."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aurorapt.errors import ConversionError
from convert.__main__ import main
from convert.check import check_conversion
from tests.convert.oracle import SEED, assert_converts_alike, assert_model_converts_alike, keras, randomize
from tests.convert.running import converted
from tests.convert.tiny_keras import write_folder

layers = keras.layers
IMAGE = (9, 11, 3)  # (y, x, channel)
ENDINGS = pytest.mark.parametrize("ending", [".keras", ".h5"])


@ENDINGS
def test_nested_model_of_two_inputs(ending: str, tmp_path: Path) -> None:
    first, second = keras.Input(IMAGE), keras.Input(IMAGE)
    difference = keras.Model([second, first], layers.Subtract()([first, layers.Activation("tanh")(second)]))
    assert_converts_alike(lambda x: difference([x, layers.Conv2D(3, 1)(x)]), IMAGE, tmp_path, ending)


@ENDINGS
def test_named_output_that_is_the_only_one(ending: str, tmp_path: Path) -> None:
    inside = keras.Input(IMAGE, name="image")
    named = keras.Model({"image": inside}, {"result": layers.Conv2D(4, 3)(inside)})
    assert_converts_alike(lambda x: named({"image": x})["result"], IMAGE, tmp_path, ending)


def named_outputs(x: Any) -> Any:
    inside = keras.Input(IMAGE)
    results = keras.Model(inside, {"z": layers.Conv2D(3, 1)(inside), "c": layers.Conv2D(3, 1)(inside)})(x)
    return layers.Subtract()([results["z"], results["c"]])


def named_inputs(x: Any) -> Any:
    first, second = keras.Input(IMAGE, name="a"), keras.Input(IMAGE, name="b")
    model = keras.Model({"b": second, "a": first}, layers.Subtract()([first, second]))
    return model({"a": x, "b": layers.Conv2D(3, 1)(x)})


@keras.saving.register_keras_serializable("mine")
class ReLU(layers.Layer):  # type: ignore[misc,name-defined]
    """Something else under the name of a layer of Keras."""

    def call(self, values: Any) -> Any:
        return 3 * keras.ops.tanh(values)


class ELU(ReLU):
    """The same, not registered."""


class Flatten(ReLU):
    """The same, as if the program itself had defined it."""


Flatten.__module__ = "__main__"


@ENDINGS
@pytest.mark.parametrize(
    ("build", "complaint"),
    [
        (named_outputs, "named 'z', 'c'"),
        (named_inputs, "named 'b', 'a'"),
        (layers.Conv2D(4, 3, activation=ReLU()), "mine>ReLU"),
        (layers.Conv2D(4, 3, activation=ELU()), r"\.ELU"),
        (layers.Activation(ReLU()), "mine>ReLU"),
        (ReLU(), "mine>ReLU"),
    ],
    ids=["outputs", "inputs", "registered activation", "activation", "Activation", "layer"],
)
def test_refuses_what_it_would_mistake(build: Any, complaint: str, ending: str, tmp_path: Path) -> None:
    images = keras.Input(IMAGE)
    keras.Model(images, build(images)).save(tmp_path / f"model{ending}")
    with pytest.raises(ConversionError, match=complaint):
        converted(tmp_path / f"model{ending}")


def test_refuses_a_layer_of_the_program_that_made_the_model(tmp_path: Path) -> None:
    images = keras.Input(IMAGE)
    keras.Model(images, Flatten()(images)).save(tmp_path / "model.keras")
    with pytest.raises(ConversionError, match=r"\(__main__\.Flatten\)"):
        converted(tmp_path / "model.keras")


@pytest.mark.parametrize(
    "layer",
    [
        layers.ReLU(threshold=1.0),
        layers.ReLU(threshold=1.0, negative_slope=0.1, max_value=2.0),
        layers.LeakyReLU(),
        layers.MaxPooling2D(3),
    ],
    ids=["threshold", "all options of ReLU", "leaky", "max pooling"],
)
def test_values_exactly_at_a_limit(layer: Any, tmp_path: Path) -> None:
    whole_numbers = np.random.default_rng(SEED).integers(-2, 4, (3, *IMAGE)).astype(np.float32)
    images = keras.Input(IMAGE)
    assert_model_converts_alike(keras.Model(images, layers.Flatten()(layer(images))), whole_numbers, tmp_path)


@pytest.mark.parametrize("shape", [(3, 5, 3), (3, 3, 3), (1, 3, 3), (3, 7, 5), (3, 5, 1)])
def test_check_takes_the_channels_where_the_converter_does(shape: tuple[int, int, int], tmp_path: Path) -> None:
    data_format = "channels_last" if shape[2] in (1, 3) else "channels_first"
    convolution = layers.Conv2D(2, (1, 2), data_format=data_format)
    outputs = layers.Dense(4, activation="softmax")
    model = keras.Sequential([keras.Input(shape), layers.Rescaling(1 / 255), convolution, layers.Flatten(), outputs])
    randomize(model, np.random.default_rng(SEED))
    model.save(tmp_path / "model.keras")
    weights = converted(tmp_path / "model.keras")
    assert check_conversion(weights, "keras", tmp_path / "model.keras")["largest_difference"] < 1e-6


def test_keras_that_fails_at_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*arguments: object, **options: object) -> None:
        raise RuntimeError("no such kernel\non this machine")

    monkeypatch.setattr(keras.Model, "predict", fail)
    folder = write_folder(tmp_path / "CNN_model")
    assert main([str(folder), "-o", str(tmp_path / "t.safetensors"), "--check", "keras"]) == 1
    error = capsys.readouterr().err
    assert "no such kernel on this machine" in error
    assert error.count("\n") == 1
