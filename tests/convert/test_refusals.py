"""What would change the result and cannot be converted is refused by the name of the layer and its type."""

import json
from typing import Any

import numpy as np
import pytest

from aurorapt.errors import ConversionError
from convert.graph import build_graph
from convert.keras_model import parse_model
from convert.writer import Writer
from tests.convert.suspects import CONVOLUTION, KERNEL, WRITER, functional, sequential


@pytest.mark.parametrize(
    "class_name",
    [
        "Lambda",
        "Conv2DTranspose",
        "Conv1D",
        "RandomCrop",
        "CenterCrop",
        "MyLayer",
        "LSTM",
    ],
)
def test_layer_type(class_name: str) -> None:
    with pytest.raises(ConversionError, match=rf"layer suspect \({class_name}\): layers of this type"):
        sequential(class_name, {})


@pytest.mark.parametrize(
    ("class_name", "options", "named"),
    [
        ("Conv2D", {**CONVOLUTION, "padding": "causal"}, "padding='causal'"),
        ("Conv2D", {**CONVOLUTION, "data_format": "channels_middle"}, "data_format"),
        ("Conv2D", {**CONVOLUTION, "strides": 0}, "strides=0"),
        ("Conv2D", {**CONVOLUTION, "strides": [1, 2, 3]}, "strides"),
        ("Conv2D", {**CONVOLUTION, "groups": 2}, "groups"),
        ("Conv2D", {**CONVOLUTION, "dtype": "float16"}, "dtype='float16'"),
        (
            "Conv2D",
            {**CONVOLUTION, "dtype": {"class_name": "Policy", "config": {"name": "mixed_float16"}}},
            "mixed_float16",
        ),
        ("Conv2D", {**CONVOLUTION, "lora_rank": 4}, "lora_rank=4"),
        ("Conv2D", {**CONVOLUTION, "shuffle": True}, "option 'shuffle'"),
        ("Conv2D", {**CONVOLUTION, "kernel_size": None}, "kernel_size"),
        ("Conv2D", {"kernel_size": 1}, "filters is missing"),
        ("Conv2D", {**CONVOLUTION, "activation": "mish"}, "'mish'"),
        ("Conv2D", {**CONVOLUTION, "activation": {"class_name": "Dense", "config": {"units": 2}}}, "Dense"),
        ("Conv2D", {**CONVOLUTION, "activation": {"class_name": "function", "config": "mine"}}, "'mine'"),
        ("Conv2D", {**CONVOLUTION, "activation": {"class_name": "function", "config": "swish"}}, "'swish'"),
        ("Activation", {"activation": "log_softmax"}, "'log_softmax'"),
        ("BatchNormalization", {"renorm": True}, "renorm=True"),
        ("BatchNormalization", {"virtual_batch_size": 4}, "virtual_batch_size=4"),
        ("BatchNormalization", {"axis": [1, 2]}, "axis"),
        ("BatchNormalization", {"axis": 2}, "axis=2"),
        ("LayerNormalization", {"axis": 1}, "axis=1"),
        ("LayerNormalization", {"axis": [2, 3]}, "axis"),
        ("LayerNormalization", {"rms_scaling": True}, "rms_scaling=True"),
        ("UpSampling2D", {"interpolation": "bicubic"}, "interpolation='bicubic'"),
        ("GlobalAveragePooling2D", {"keepdims": "maybe"}, "keepdims"),
        ("MaxPooling2D", {"pool_size": 9}, "leaves nothing"),
        ("Cropping2D", {"cropping": 3}, "leaves nothing"),
        ("Reshape", {"target_shape": [7, -1]}, "cannot become"),
        ("Reshape", {"target_shape": [-1, -1]}, "cannot become"),
        ("Permute", {"dims": [1, 1, 2]}, "permute"),
        ("Softmax", {"axis": 7}, "no axis 7"),
        ("Concatenate", {}, "cannot take 1 inputs"),
        ("Normalization", {"mean": [1, 2], "variance": [1, 1]}, "mean="),
        ("Normalization", {"mean": 0, "variance": 1, "axis": [3, 1]}, "axis="),
        ("Rescaling", {"scale": [1, 2]}, "does not spread"),
        ("ReLU", {"max_value": float("nan")}, "max_value"),
        ("ReLU", {}, "max_value is missing"),
        ("LeakyReLU", {}, "slope is missing"),
        ("ELU", {}, "alpha is missing"),
        ("Softmax", {}, "axis is missing"),
        ("Activation", {}, "activation is missing"),
        ("TFOpLambda", {"function": "image.resize"}, "'image.resize'"),
        ("Resizing", {"height": 3}, "width is missing"),
        ("Resizing", {"height": 3, "width": 3, "interpolation": "bicubic"}, "interpolation='bicubic'"),
        ("Resizing", {"height": 3, "width": 3, "antialias": True}, "antialias=True"),
        ("Resizing", {"height": 3, "width": 3, "crop_to_aspect_ratio": True}, "crop_to_aspect_ratio=True"),
        ("Resizing", {"height": 2**20, "width": 3}, "4096 each way"),
        ("ThresholdedReLU", {}, "theta is missing"),
        ("GroupNormalization", {}, "groups is missing"),
        ("GroupNormalization", {"groups": 2}, "2 groups do not divide 3 channels"),
        ("GroupNormalization", {"groups": 0}, "0 groups do not divide 3 channels"),
        ("GroupNormalization", {"groups": 3, "axis": 2}, "axis=2"),
    ],
)
def test_option(class_name: str, options: dict[str, Any], named: str) -> None:
    with pytest.raises(ConversionError, match=r"layer suspect \(") as caught:
        sequential(class_name, options, dict(KERNEL))
    assert class_name in str(caught.value)
    assert named in str(caught.value)


def test_layer_of_another_module_under_the_name_of_one_of_keras() -> None:
    with pytest.raises(ConversionError, match=r"layer suspect \(mine.layers.Dropout\)"):
        sequential("Dropout", {}, module="mine.layers", registered_name="Dropout")


def test_layer_registered_in_a_package() -> None:
    with pytest.raises(ConversionError, match=r"layer suspect \(mine>Dropout\)"):
        sequential("Dropout", {}, module="keras.layers", registered_name="mine>Dropout")


def test_layer_of_the_program_that_made_the_model() -> None:
    with pytest.raises(ConversionError, match=r"layer suspect \(__main__.Dropout\)"):
        sequential("Dropout", {}, module=None, registered_name="Dropout")


@pytest.mark.parametrize("registered_name", ["mine>ReLU", None])
def test_own_layer_as_activation_under_the_name_of_one_of_keras(registered_name: str | None) -> None:
    relu = {"class_name": "ReLU", "module": "mine", "registered_name": registered_name, "config": {"name": "relu"}}
    with pytest.raises(ConversionError, match=r"layer relu \(mine\..*ReLU\): layers of this type"):
        sequential("Conv2D", {**CONVOLUTION, "activation": relu}, dict(KERNEL))


@pytest.mark.parametrize("keywords", [{"training": True}, {"mask": [1]}, {"scale": 2}])
def test_call_that_changes_the_result(keywords: dict[str, Any]) -> None:
    with pytest.raises(ConversionError, match=r"layer suspect \(Dropout\): a call with"):
        functional([[["images", 0, 0, keywords]]], rate=0.5)


@pytest.mark.parametrize("reference", [["nowhere", 0, 0, {}], ["images", 0, 3, {}], ["images", 2, 0, {}]])
def test_call_on_what_is_not_there(reference: list[Any]) -> None:
    with pytest.raises(ConversionError, match="not there"):
        functional([[reference]], class_name="Flatten")


def test_call_on_named_inputs() -> None:
    with pytest.raises(ConversionError, match=r"layer suspect \(Add\): a call on anything but"):
        functional([{"b": ["images", 0, 0, {}], "a": ["images", 0, 0, {}]}], class_name="Add")


def test_call_on_no_inputs() -> None:
    with pytest.raises(ConversionError, match=r"does not describe|sound"):
        functional([{}], class_name="Add")


def test_named_outputs_whose_order_cannot_be_told() -> None:
    with pytest.raises(ConversionError, match="order of inputs or outputs named 'z', 'c'"):
        functional([[["images", 0, 0, {}]]], output_layers={"z": ["suspect", 0, 0], "c": ["images", 0, 0]})


@pytest.mark.parametrize("version", ["", "x", "four", "v3.1", "-3", "4.0", "3\n", "3.1" * 100, "3.\x1b[2J"])
def test_version_of_keras(version: str) -> None:
    with pytest.raises(ConversionError, match="was written by Keras"):
        Writer(version)


def test_two_layers_of_one_name() -> None:
    config = {
        "class_name": "Functional",
        "config": {
            "layers": [
                {
                    "class_name": "InputLayer",
                    "name": "images",
                    "config": {"name": "images", "batch_input_shape": [None, 6, 5, 3]},
                    "inbound_nodes": [],
                }
            ]
            * 2,
            "input_layers": [["images", 0, 0]],
            "output_layers": [["images", 0, 0]],
        },
    }
    with pytest.raises(ConversionError, match="have one name"):
        build_graph(parse_model(json.dumps(config)), {}, WRITER)


def test_layers_that_feed_each_other_in_a_circle() -> None:
    with pytest.raises(ConversionError, match="in a circle"):
        functional([[["suspect", 0, 0, {}]]], class_name="Flatten")


@pytest.mark.parametrize(
    "batch_input_shape", [None, [None, 6], [None, 6, 5, 4], [None, 6, 5, None], [None, 0, 5, 3], [None, 5000, 5, 3]]
)
def test_input_that_is_no_image(batch_input_shape: Any) -> None:
    layers = [
        {"class_name": "InputLayer", "config": {"name": "images", "batch_input_shape": batch_input_shape}},
        {"class_name": "Flatten", "config": {"name": "flatten", "trainable": True}},
    ]
    config = {"class_name": "Sequential", "config": {"name": "model", "layers": layers}}
    with pytest.raises(ConversionError, match=r"layer images \(InputLayer\): its input shape"):
        build_graph(parse_model(json.dumps(config)), {}, WRITER)


def test_grey_image_without_a_channel_axis() -> None:
    layers = [{"class_name": "InputLayer", "config": {"name": "images", "batch_input_shape": [None, 256, 256]}}]
    config = {"class_name": "Sequential", "config": {"name": "model", "layers": layers}}
    with pytest.raises(ConversionError, match=r"input shape \[None, 256, 256\] has no channel axis"):
        build_graph(parse_model(json.dumps(config)), {}, WRITER)


def test_array_of_another_shape() -> None:
    with pytest.raises(ConversionError, match=r"layer suspect \(Conv2D\).*kernel of \(1, 1, 3, 2\)"):
        sequential("Conv2D", CONVOLUTION, {"kernel": np.ones((1, 1, 2, 3), np.float32)})


def test_array_of_another_type() -> None:
    with pytest.raises(ConversionError, match=r"layer suspect \(Conv2D\).*float16"):
        sequential("Conv2D", CONVOLUTION, {"kernel": np.ones((1, 1, 3, 2), np.float16)})
