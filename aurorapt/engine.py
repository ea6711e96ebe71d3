"""The faithful network, set up for inference on a CPU."""

import numpy as np
import torch
from numpy.typing import NDArray

from aurorapt.network import build_network
from aurorapt.weights import Weights


class Engine:
    """Network inputs in, class probabilities out.

    Parameters
    ----------
    weights : the network to run
    """

    def __init__(self, weights: Weights) -> None:
        self._channels = weights.input_shape[0]
        # channels last is the layout in which oneDNN's convolutions are fastest; the values stay the same
        self._network = build_network(weights).to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def predict(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """Probabilities of each class for each frame.

        Parameters
        ----------
        inputs : (n, rows, columns) float32 [frame, y, x], 0 to 255, as `aurorapt.preprocess.Preprocessor` gives them

        Returns
        -------
        (n, classes) float32, 0 to 1
        """
        images = torch.from_numpy(inputs)[:, None].expand(-1, self._channels, -1, -1)
        with torch.inference_mode():
            probabilities: NDArray[np.float32] = self._network(images).numpy()
        return probabilities
