"""Run what the converter makes of a Keras file."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from aurorapt.engine.engine import Engine
from aurorapt.images.preprocess import RECIPE
from aurorapt.network.faithful import build_network
from aurorapt.weights.weights_file import Weights
from convert.conversion import read_keras_file
from convert.graph import build_graph


def converted(path: Path) -> Weights:
    """Convert a Keras file, whatever it ends in; only its network tells, the rest is made up."""
    keras_file = read_keras_file(path)
    graph, tensors, input_shape = build_graph(keras_file.model, keras_file.arrays, keras_file.writer)
    return Weights(
        name="converted",
        kind="converted",
        classes=(),
        input_shape=input_shape,
        preprocessing=RECIPE,
        graph=graph,
        tensors=tensors,
        elevation_mask=np.ones((256, 256), np.uint8),
        provenance={},
    )


def run_converted(path: Path, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Convert a Keras file and run the faithful network on images as Keras takes them."""
    return run_weights(converted(path), images)


def run_weights(weights: Weights, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Run the faithful network.

    Parameters
    ----------
    images : (n, y, x, channel) or (n, channel, y, x) float32, as Keras takes them
    """
    channels, y, x = weights.input_shape
    if images.shape[1:] == (y, x, channels):
        images = images.transpose(0, 3, 1, 2)
    with torch.inference_mode():
        return build_network(weights)(torch.from_numpy(np.ascontiguousarray(images))).numpy()


def assert_engine_agrees(weights: Weights, tolerance: float, brightest: float = 255) -> None:
    """Compare the engine with the faithful network, on images whose channels are equal as preprocessing makes them.

    Parameters
    ----------
    tolerance : of the largest output
    brightest : largest value in the images
    """
    images = np.random.default_rng(0).uniform(0, brightest, (3, *weights.input_shape[1:])).astype(np.float32)
    channels = torch.from_numpy(images)[:, None].expand(-1, weights.input_shape[0], -1, -1)
    with torch.inference_mode():
        expected = build_network(weights)(channels).numpy()
    found = Engine(weights, "fp32").predict(images)
    scale = np.abs(expected).max()
    assert np.isfinite(expected).all()
    assert found.shape == expected.shape
    np.testing.assert_allclose(found / scale, expected / scale, rtol=0, atol=tolerance)


def assert_close(found: NDArray[np.float32], expected: NDArray[np.float32], tolerance: float) -> None:
    """Compare shapes, then values."""
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    assert np.ptp(expected) > 100 * tolerance, "the outputs vary too little to prove anything"
