"""Conversion of models of Keras 2 in which one layer or operation is in question."""

import json
from typing import Any

import numpy as np

from convert.graph import build_graph
from convert.keras_model import parse_model
from convert.writer import Writer

WRITER = Writer("2.12.0", "tensorflow")
CONVOLUTION = {"filters": 2, "kernel_size": [1, 1], "use_bias": False}
KERNEL = {"kernel": np.ones((1, 1, 3, 2), np.float32)}


def sequential(class_name: str, options: dict[str, Any], arrays: dict[str, Any] | None = None, **item: Any) -> None:
    """Convert a Sequential model of Keras 2 whose second layer is the one in question."""
    layers = [
        {"class_name": "InputLayer", "config": {"name": "images", "batch_input_shape": [None, 6, 5, 3]}},
        {"class_name": class_name, "config": {"name": "suspect", "trainable": True, **options}, **item},
    ]
    config = {"class_name": "Sequential", "config": {"name": "model", "layers": layers}}
    build_graph(parse_model(json.dumps(config)), {("suspect",): arrays or {}}, WRITER)


def functional(
    calls: list[Any], class_name: str = "Dropout", output_layers: Any = (("suspect", 0, 0),), **options: Any
) -> None:
    """Convert a Functional model of Keras 2 that calls the layer in question as given."""
    layers = [
        {
            "class_name": "InputLayer",
            "name": "images",
            "config": {"name": "images", "batch_input_shape": [None, 6, 5, 3]},
            "inbound_nodes": [],
        },
        {
            "class_name": class_name,
            "name": "suspect",
            "config": {"name": "suspect", "trainable": True, **options},
            "inbound_nodes": calls,
        },
    ]
    config = {
        "class_name": "Functional",
        "config": {
            "name": "model",
            "layers": layers,
            "input_layers": [["images", 0, 0]],
            "output_layers": output_layers,
        },
    }
    build_graph(parse_model(json.dumps(config)), {}, WRITER)
