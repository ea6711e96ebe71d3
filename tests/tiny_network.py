"""A weights file small enough for tests, whose answers differ from frame to frame."""

import numpy as np
from numpy.typing import NDArray

from aurorapt.images.preprocess import RECIPE
from aurorapt.weights.weights_file import Graph, Node, Weights

CLASSES = ("bad_viewing", "no_aurora", "other_aurora", "pulsating")
SIZE = 32  # pixels, both ways, of the network's input
CHANNELS = 4


def tiny_weights(seed: int = 0) -> Weights:
    """One convolution, a pooled dense head and a softmax, with random values."""
    rng = np.random.default_rng(seed)
    features = CHANNELS * (SIZE // 8) ** 2
    convolution = {
        "in_channels": 3,
        "out_channels": CHANNELS,
        "kernel_size": (8, 8),
        "stride": (8, 8),
        "dilation": (1, 1),
        "padding": (0, 0, 0, 0),
        "groups": 1,
        "bias": False,
    }
    nodes = (
        Node("conv", "conv2d", ("image",), convolution),
        Node("relu", "relu", ("conv",), {"max_value": None, "negative_slope": 0.0, "threshold": 0.0}),
        Node("flat", "flatten", ("relu",)),
        Node("dense", "dense", ("flat",), {"in_features": features, "out_features": len(CLASSES), "bias": True}),
        Node("softmax", "softmax", ("dense",), {"axis": 1}),
    )

    def tensor(*shape: int, scale: float) -> NDArray[np.float32]:
        return rng.normal(0, scale, shape).astype(np.float32)

    return Weights(
        name="tiny",
        kind="converted",
        classes=CLASSES,
        input_shape=(3, SIZE, SIZE),
        preprocessing=RECIPE,
        graph=Graph(nodes, ("image",), ("softmax",)),
        tensors={
            "conv/weight": tensor(CHANNELS, 3, 8, 8, scale=0.01),
            "dense/weight": tensor(len(CLASSES), features, scale=0.02),
            "dense/bias": tensor(len(CLASSES), scale=0.1),
        },
        elevation_mask=np.ones((256, 256), np.uint8),
        provenance={"source": "tests"},
    )
