"""Frames in memory to class probabilities: weights, preprocessing and network behind one object."""

import os
from collections import deque
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aurorapt.engine.choices import DEFAULT_BATCH_SIZE
from aurorapt.engine.engine import Engine
from aurorapt.engine.streams import Streams
from aurorapt.images.preprocess import Preprocessor
from aurorapt.machine.processors import usable_processors
from aurorapt.weights.location import find_weights
from aurorapt.weights.weights_file import Weights, read_weights


class Classifier:
    """Classify frames that are already in memory.

    Parameters
    ----------
    weights : a weights file or what `aurorapt.weights.weights_file.read_weights` read; the default weights where None
    precision : "fp32"; "bf16" for convolutions in bfloat16: faster, and not always the same answers; "auto" for bf16
        and then fp32 for close calls
    batch_size : frames the network takes at once
    threads : batches classified at the same time, each by one thread, so that fewer frames than a batch keep one busy;
        the number of usable processors where None

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
        threads: int | None = None,
    ) -> None:
        if not isinstance(weights, Weights):
            weights = read_weights(find_weights(Path(weights) if weights else None))
        self.classes = weights.classes
        self.preprocessor = Preprocessor(weights.elevation_mask, weights.input_shape[1:])
        self.batch_size = batch_size
        self.threads = threads or usable_processors()
        self.engine = Engine(weights, precision, batch_size)

    def predict(self, images: NDArray[np.uint16]) -> NDArray[np.float32]:
        """Give the probabilities of each class for each frame.

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
        self.preprocessor(images[:0])  # refuses what it would refuse of a batch
        probabilities = np.empty((len(images), len(self.classes)), dtype=np.float32)
        with closing(Streams(self._predict_batch, self.threads)) as streams:
            starts = range(0, len(images), self.batch_size)
            futures = deque(streams.submit(images[start : start + self.batch_size]) for start in starts)
            for start in starts:  # what a stream allocated is not kept: see `aurorapt.run.pipeline`
                probabilities[start : start + self.batch_size] = futures.popleft().result()
        return probabilities

    def predict_visible(self, visible: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Give the probabilities of each class for each frame of one batch, in this thread.

        Parameters
        ----------
        visible : (n, visible) uint8 [frame, pixel], as `aurorapt.images.preprocess.Preprocessor.equalize` gives them

        Returns
        -------
        (n, classes) float32, 0 to 1
        """
        return self.engine.predict(self.preprocessor.resize(visible))

    def _predict_batch(self, images: NDArray[np.uint16]) -> NDArray[np.float32]:
        return self.predict_visible(self.preprocessor.equalize(images))
