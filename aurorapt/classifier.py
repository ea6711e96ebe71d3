"""Frames in memory to class probabilities: weights, preprocessing and network behind one object."""

import os
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aurorapt.engine import Engine
from aurorapt.options import DEFAULT_BATCH_SIZE
from aurorapt.preprocess import Preprocessor
from aurorapt.weights import Weights, read_weights
from aurorapt.weights_location import find_weights


class Classifier:
    """Classify frames that are already in memory.

    Parameters
    ----------
    weights : a weights file or what `aurorapt.weights.read_weights` read; the default weights where None
    precision : "fp32"; "bf16" for convolutions in bfloat16: faster, and not always the same answers; "auto" for bf16
        and then fp32 for close calls
    batch_size : frames the network takes at once

    Attributes
    ----------
    classes : class names in the order of their numbers

    Raises
    ------
    WeightsError
        If there is no such file or it is not a weights file.
    OptionError
        If this processor does not compute in that precision.
    """

    def __init__(
        self,
        weights: str | os.PathLike[str] | Weights | None = None,
        precision: str = "fp32",
        batch_size: int = DEFAULT_BATCH_SIZE,
    ) -> None:
        if not isinstance(weights, Weights):
            weights = read_weights(find_weights(Path(weights) if weights else None))
        self.classes = weights.classes
        self.preprocessor = Preprocessor(weights.elevation_mask, weights.input_shape[1:])
        self.batch_size = batch_size
        self.engine = Engine(weights, precision, batch_size)

    def predict(self, images: NDArray[np.uint16]) -> NDArray[np.float32]:
        """Probabilities of each class for each frame.

        Parameters
        ----------
        images : (n, 256, 256) uint16 [frame, y, x], raw counts, rows as themis_imager_readfile gives them. asilib and
            PyAuroraX flip the rows on reading: flip those back first (``images[:, ::-1]``)

        Returns
        -------
        (n, classes) float32, 0 to 1

        Raises
        ------
        ValueError
            If the shape or dtype is another one.
        """
        probabilities = np.empty((len(images), len(self.classes)), dtype=np.float32)
        for start in range(0, len(images), self.batch_size):
            batch = slice(start, start + self.batch_size)
            probabilities[batch] = self.engine.predict(self.preprocessor(images[batch]))
        return probabilities
