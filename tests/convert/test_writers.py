"""What a layer means by the program that wrote the file, where its options do not tell."""

import json
from typing import Any

import numpy as np
import pytest

from aurorapt.errors import ConversionError
from convert.graph import build_graph
from convert.keras_model import parse_model
from convert.writer import FUSED_EPSILON, Writer


def converted(writer: Writer, class_name: str, options: dict[str, Any], shape: list[int], **arrays: Any) -> Any:
    """Convert a layer between a convolution and Flatten, and give the nodes made of it by operation."""
    layers = [
        {"class_name": "InputLayer", "config": {"name": "images", "batch_input_shape": [None, *shape]}},
        {"class_name": class_name, "config": {"name": "suspect", "trainable": True, **options}},
        {"class_name": "Flatten", "config": {"name": "flatten", "trainable": True}},
    ]
    config = {"class_name": "Sequential", "config": {"name": "model", "layers": layers}}
    graph, _, _ = build_graph(parse_model(json.dumps(config)), {("suspect",): arrays}, writer)
    return {node.op: node for node in graph.nodes}


def normalised(writer: Writer, variance: float = 1.0, epsilon: float = 1e-6, axis: int = -1) -> float:
    shape = [6, 5, 3] if axis == -1 else [3, 6, 5]
    arrays = {
        name: np.full(3, variance if name == "moving_variance" else 1, np.float32)
        for name in ("gamma", "beta", "moving_mean", "moving_variance")
    }
    nodes = converted(writer, "BatchNormalization", {"epsilon": epsilon, "axis": axis}, shape, **arrays)
    return float(nodes["batch_norm"].attributes["epsilon"])


@pytest.mark.parametrize(
    ("version", "expected"),
    [
        ("2.0.8", 1e-6),
        ("2.1.6", 1e-6),
        ("2.1.6-tf", FUSED_EPSILON),
        ("2.2.4", FUSED_EPSILON),
        ("2.2.4-tf", FUSED_EPSILON),
        ("2.3.0-tf", FUSED_EPSILON),
        ("2.3.1", FUSED_EPSILON),
        ("2.4.0", FUSED_EPSILON),
        ("2.11.0", FUSED_EPSILON),
        ("2.12.0", 1e-6),
        ("2.15.0", 1e-6),
        ("3.0.0", 1e-6),
    ],
)
def test_epsilon_of_batch_normalization(version: str, expected: float) -> None:
    assert normalised(Writer(version, "tensorflow"), variance=1e-5) == expected
    assert normalised(Writer(version, "tensorflow"), epsilon=1e-3) == 1e-3


def test_epsilon_that_a_gpu_decided() -> None:
    with pytest.raises(ConversionError, match=r"suspect \(BatchNormalization\): epsilon=1e-06 was raised .*GPU"):
        normalised(Writer("2.2.4", "tensorflow"), variance=1e-5, axis=1)
    assert normalised(Writer("2.2.4", "tensorflow"), variance=100.0, axis=1) in (1e-6, FUSED_EPSILON)
    assert normalised(Writer("2.2.4-tf", "tensorflow"), variance=1e-5, axis=1) == FUSED_EPSILON


@pytest.mark.parametrize(
    ("version", "operation"),
    [
        ("2.2.4", "dense"),
        ("2.3.1", "dense"),
        ("2.2.4-tf", "upsample2d"),
        ("2.4.0", "upsample2d"),
        ("3.1", "upsample2d"),
    ],
)
def test_bilinear_enlargement(version: str, operation: str) -> None:
    options = {"size": [2, 2], "interpolation": "bilinear"}
    assert operation in converted(Writer(version, "tensorflow"), "UpSampling2D", options, [6, 5, 3])


UNEVEN = {"pool_size": [2, 2], "strides": [1, 1], "padding": "same"}
EVEN = {"pool_size": [3, 3], "strides": [1, 1], "padding": "same"}


@pytest.mark.parametrize("backend", ["torch", ""])
def test_average_with_padding_that_torch_does_otherwise(backend: str) -> None:
    with pytest.raises(ConversionError, match=r"suspect \(AveragePooling2D\): padding='same'.*torch"):
        converted(Writer("3.1.0", backend), "AveragePooling2D", UNEVEN, [6, 5, 3])
    assert converted(Writer("3.1.0", backend), "AveragePooling2D", EVEN, [6, 5, 3])


@pytest.mark.parametrize(("version", "backend"), [("3.1.0", "tensorflow"), ("3.1.0", "jax"), ("2.15.0", "")])
def test_average_of_programs_that_pad_alike(version: str, backend: str) -> None:
    assert converted(Writer(version, backend), "AveragePooling2D", UNEVEN, [6, 5, 3])


@pytest.mark.parametrize("interpolation", ["nearest", "bilinear"])
def test_resizing_to_any_size(interpolation: str) -> None:
    options = {"height": 2**24, "width": 2**24, "interpolation": interpolation}
    with pytest.raises(ConversionError, match="4096 each way"):
        converted(Writer("3.1.0"), "Resizing", options, [6, 5, 3])


def test_nearest_pixels_that_torch_takes_otherwise() -> None:
    options = {"height": 4, "width": 7, "interpolation": "nearest"}
    with pytest.raises(ConversionError, match="torch"):
        converted(Writer("3.1.0"), "Resizing", options, [6, 5, 3])
    assert converted(Writer("3.1.0", "jax"), "Resizing", options, [6, 5, 3])
    assert converted(Writer("2.15.0"), "Resizing", options, [6, 5, 3])
    assert converted(Writer("3.1.0"), "Resizing", {**options, "height": 12, "width": 10}, [6, 5, 3])


@pytest.mark.parametrize(
    ("version", "backend"), [("2.2.4", "theano"), ("2.2.4", "cntk"), ("2.2.4", "plaidml.keras.backend"), ("3.1", "mlx")]
)
def test_backend_that_may_compute_otherwise(version: str, backend: str) -> None:
    with pytest.raises(ConversionError, match="may compute otherwise"):
        Writer(version, backend)
