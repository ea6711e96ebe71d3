"""Frames in memory to class probabilities: weights, preprocessing and network behind one object."""

import os
import warnings
from collections import deque
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurorapt.engine.choices import DEFAULT_BATCH_SIZE, PRECISIONS
from aurorapt.engine.engine import Engine
from aurorapt.engine.streams import Streams
from aurorapt.errors import OptionError
from aurorapt.images.layouts import as_frames
from aurorapt.images.preprocess import Preprocessor
from aurorapt.machine.processors import usable_processors
from aurorapt.weights.location import find_weights
from aurorapt.weights.weights_file import SIMULATED_NOTICE, Weights, read_weights

MOST_AT_ONCE = 1024  # threads, or frames in a batch; far more than any machine gains by


class Classifier:
    """Classify frames that are already in memory.

    Parameters
    ----------
    weights : a weights file or what `aurorapt.weights.weights_file.read_weights` read; the default weights where None
    precision : "fp32"; "bf16" for convolutions in bfloat16: faster, and not always the same answers; "auto" for bf16
        and then fp32 for close calls
    batch_size : frames that a thread takes at once; answers do not depend on it, nor on what else is classified
    threads : batches classified at the same time, each by one thread, so that fewer frames than a batch keep one busy;
        the number of usable processors where None

    Attributes
    ----------
    classes : class names in the order of their numbers
    name : of the weights
    kind : published, converted or simulated weights
    precision, batch_size, threads : as they are used

    Raises
    ------
    OptionError
        If the precision, the batch size or the threads cannot be used, before any file is read; or if this processor
        does not compute in that precision.
    WeightsError
        If there is no such file or it is not a weights file.
    """

    def __init__(
        self,
        weights: str | os.PathLike[str] | Weights | None = None,
        precision: str = "fp32",
        batch_size: int = DEFAULT_BATCH_SIZE,
        threads: int | None = None,
    ) -> None:
        if not isinstance(precision, str) or precision not in PRECISIONS:
            raise OptionError(f"precision {precision!r} is unknown; give {' or '.join(map(repr, PRECISIONS))}")
        _check_number("batch_size", batch_size)
        if threads is not None:
            _check_number("threads", threads)
        if not isinstance(weights, Weights):
            weights = read_weights(find_weights(None if weights is None else Path(weights)))
            if weights.kind == "simulated":
                warnings.warn(SIMULATED_NOTICE, stacklevel=2)
        self.classes = weights.classes
        self.name = weights.name
        self.kind = weights.kind
        self.precision = precision
        self.preprocessor = Preprocessor(weights.elevation_mask, weights.input_shape[1:])
        self.batch_size = batch_size
        self.threads = usable_processors() if threads is None else threads
        self.engine = Engine(weights, precision)

    def __repr__(self) -> str:
        return (
            f"Classifier(name={self.name!r}, kind={self.kind!r}, classes={self.classes!r}, "
            f"precision={self.precision!r}, threads={self.threads})"
        )

    def predict(self, images: NDArray[np.uint16], layout: str = "readfile") -> NDArray[np.float32]:
        """Give the probabilities of each class for each frame.

        The stack is looked at where it lies; only the batches that are being classified are copied.

        Parameters
        ----------
        images : (n, 256, 256) uint16 [frame, y, x] or (256, 256, n) uint16 [y, x, frame], as the layout says; raw
            counts, not scaled, not background-subtracted. n may be 0
        layout : how the stack is laid out. Shapes do not tell whether rows are flipped, so name what read the frames:

            - "readfile": (n, 256, 256) [frame, y, x], rows as the camera wrote them and as themis_imager_readfile
              gives them: row 0 is the north edge of the sky, and column 0 the east edge (the left one, where row 0 is
              drawn on top), by asilib's documentation. That reader's own stack is (256, 256, n) [y, x, frame]:
              pass ``np.moveaxis(stack, 2, 0)``
            - "pyaurorax": (256, 256, n) [y, x, frame], rows flipped, row 0 the south edge: ``data.data`` of PyAuroraX
              and of PyUCalgarySRS
            - "asilib": (n, 256, 256) [frame, y, x], rows flipped, row 0 the south edge: ``asi.data.image``, which is
              int64 (pass ``asi.data.image.astype(np.uint16)``), or the images of ``asi.iter_files()``, which are uint16

        Returns
        -------
        (n, classes) float32 [frame, class], 0 to 1, the classes in the order of ``classes``

        Raises
        ------
        OptionError
            If there is no such layout.
        ValueError
            If the images are another kind of array, or none, saying what would make them right.

        Examples
        --------
        >>> classifier = aurorapt.Classifier()
        >>> stack, headers, problems = themis_imager_readfile.read(path)  # (256, 256, n) [y, x, frame], not flipped
        >>> probabilities = classifier.predict(np.moveaxis(stack, 2, 0))
        >>> labels = np.array(classifier.classes)[probabilities.argmax(axis=1)]
        >>> data = pyaurorax.PyAuroraX().data.ucalgary.readers.read_themis(path)
        >>> np.array_equal(classifier.predict(data.data, layout="pyaurorax"), probabilities)
        True
        """
        frames = as_frames(images, layout)
        probabilities = np.empty((len(frames), len(self.classes)), dtype=np.float32)
        with closing(Streams(self._predict_batch, self.threads)) as streams:
            starts = range(0, len(frames), self.batch_size)
            futures = deque(streams.submit(frames[start : start + self.batch_size]) for start in starts)
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
        # the pixels of a frame in a stack [y, x, frame] lie far apart: they are gathered once, for the whole batch
        return self.predict_visible(self.preprocessor.equalize(np.ascontiguousarray(images)))


def _check_number(name: str, value: Any) -> None:
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not 1 <= value <= MOST_AT_ONCE:
        raise OptionError(f"{name} {value!r} must be a whole number from 1 to {MOST_AT_ONCE}")
