"""Run what the converter makes of a Keras file."""

from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from aurorapt.network import Network
from convert.conversion import read_keras_file
from convert.graph import build_graph


def run_converted(path: Path, images: NDArray[np.float32]) -> NDArray[np.float32]:
    """Convert a Keras file, whatever it ends in, and run the network.

    Parameters
    ----------
    images : (n, y, x, channel) or (n, channel, y, x) float32, as Keras takes them
    """
    keras_file = read_keras_file(path)
    graph, tensors, input_shape = build_graph(keras_file.model, keras_file.arrays, keras_file.keras_major)
    network = Network(graph)
    network.load_state_dict(
        {
            f"layers.{number}.{name}": torch.from_numpy(tensors[f"{node.name}/{name}"])
            for number, node in enumerate(graph.nodes)
            for name in network.layers[number].state_dict()
        }
    )
    if images.shape[1:] != input_shape:
        images = images.transpose(0, 3, 1, 2)
    with torch.inference_mode():
        return network.eval()(torch.from_numpy(np.ascontiguousarray(images))).numpy()


def assert_close(found: NDArray[np.float32], expected: NDArray[np.float32], tolerance: float) -> None:
    """Compare shapes, then values."""
    assert found.shape == expected.shape
    np.testing.assert_allclose(found, expected, rtol=0, atol=tolerance)
    assert np.ptp(expected) > 100 * tolerance, "the outputs vary too little to prove anything"
