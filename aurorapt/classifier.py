"""Frames in memory to class probabilities: weights, preprocessing and network behind one object."""

import os
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurorapt.archive.named_minutes import MinutesInTurn, named_minutes
from aurorapt.classified_frames import ClassifiedFrames
from aurorapt.engine.choices import DEFAULT_BATCH_SIZE, PRECISIONS
from aurorapt.engine.engine import Engine
from aurorapt.engine.streams import Streams
from aurorapt.errors import OptionError, WeightsError, counted, one_line
from aurorapt.images.layouts import as_counts, as_frames
from aurorapt.images.preprocess import Preprocessor
from aurorapt.images.stacks import Chunk, as_times, batches, chunks, whole_times, with_times
from aurorapt.machine.html_table import html_table
from aurorapt.machine.processors import usable_processors
from aurorapt.weights.location import find_weights
from aurorapt.weights.weights_file import SIMULATED_NOTICE, Weights, read_weights

BATCHES_AHEAD = 2  # for each thread, of a stack that comes piece by piece
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

    def _repr_html_(self) -> str:
        """Show it in a notebook."""
        rows = [
            ("weights", f"{self.name} ({self.kind})"),
            ("classes", ", ".join(self.classes)),
            ("precision", self.precision),
            ("threads", self.threads),
        ]
        return html_table("Classifier", rows, notes=[SIMULATED_NOTICE] if self.kind == "simulated" else [])

    def predict(self, images: NDArray[Any], layout: str = "readfile") -> NDArray[np.float32]:
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
            - "asilib": (n, 256, 256) [frame, y, x], rows flipped, row 0 the south edge: ``asi.data.image``, whose
              int64 is taken where all values are counts, or the images of ``asi.iter_files()``

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
        starts = range(0, len(frames), self.batch_size)
        return self._predict_batches(frames[start : start + self.batch_size] for start in starts)

    def classify(self, images: Any, layout: str = "readfile", times: Any = None) -> ClassifiedFrames:
        """Classify frames, which may come piece by piece: of what is not in memory, a few batches are at a time.

        The answers do not depend on the length of the pieces.

        Parameters
        ----------
        images : raw counts, as `predict` takes them, in one of these forms:

            - an array, or a pair (times, array) such as asilib's ``asi.data``
            - a list, generator or other iterable of arrays, of any length each, of single frames (256, 256) [y, x], or
              of pairs (times, images), such as ``asi.iter_files()``
            - a DataArray of xarray, whose axes are known by their names, time (or frame), y (or row) and x (or column),
              in any order; the layout then says only whether the rows are flipped
            - an array of Dask, computed chunk by chunk, also within a DataArray
        layout : as for `predict`
        times : n datetimes, naive ones in UTC, such as PyAuroraX's ``data.timestamp``; where None, those that come with
            the images, if any

        Returns
        -------
        ClassifiedFrames
            Of all n frames.

        Raises
        ------
        OptionError
            If there is no such layout.
        ValueError
            If the images are something else, or not as many as the times, saying what would make them right.
        WeightsError
            If the network gives no probabilities.

        Examples
        --------
        >>> found = aurorapt.Classifier().classify(data.data, layout="pyaurorax", times=data.timestamp)
        >>> found.labels[found.confidence > 0.9]
        >>> table = classifier.classify(asi.iter_files(), layout="asilib").to_dataframe()
        """
        found = chunks(images, layout)
        if times is not None:
            found = with_times(found, as_times(times))
        if isinstance(images, np.ndarray):  # which stays as it is meanwhile, so that nothing need be copied here
            known = [chunk.times for chunk in found]
            probabilities = self.predict(images, layout)
        else:
            known = []
            probabilities = self._predict_batches(batches(_noting_times(found, known), self.batch_size))
        sound = np.isfinite(probabilities).all(axis=1)
        if not sound.all():
            frames = counted(int((~sound).sum()), "frame")
            raise WeightsError(f"the network returned NaN or infinity for {frames}; are the weights {self.name} sound?")
        return ClassifiedFrames(probabilities, self.classes, whole_times(known))

    def classify_files(self, paths: Iterable[str | os.PathLike[str]] | str | os.PathLike[str]) -> ClassifiedFrames:
        """Classify the frames of minute files, with their own times, as a run reads them.

        Parameters
        ----------
        paths : minute files, named as in the archive (the name says site and date, which each frame's header has to
            confirm); of one minute there may be several copies, of which one good one is used

        Returns
        -------
        ClassifiedFrames
            Of the frames that can be trusted, in the order of the files, with ``times``, ``cameras`` and ``files``;
            what cannot be used is among the ``problems``, of which a warning tells.

        Raises
        ------
        OptionError
            If one is no minute file by its name; before any is read.

        Examples
        --------
        >>> found = aurorapt.Classifier().classify_files(Path("2014/03/10/gill_themis19").rglob("*_full.pgm.gz"))
        >>> found.to_dataframe().groupby("class").size()
        """
        named = named_minutes([paths] if isinstance(paths, (str, os.PathLike)) else paths)
        minutes = MinutesInTurn(named)
        probabilities = self._predict_batches(batches(minutes.read(), self.batch_size))
        sound = np.isfinite(probabilities).all(axis=1)
        minutes.report_not_finite(sound)
        if minutes.problems:
            first = minutes.problems[0]
            told = (
                f"{counted(len(minutes.problems), 'problem')}, see .problems; the first: {first.file}: {first.reason}"
            )
            warnings.warn(one_line(told), stacklevel=2)
        cameras, files, times = (np.array(column, kind)[sound] for column, kind in minutes.columns())
        return ClassifiedFrames(
            probabilities[sound], self.classes, times, cameras, files, problems=tuple(minutes.problems)
        )

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

    def _predict_batches(self, images: Iterable[NDArray[Any]]) -> NDArray[np.float32]:
        """Classify batches in threads, a few ahead of the answers."""
        answers = bytearray()  # small arrays that stay among a stream's large blocks would split them
        waiting: deque[Future[NDArray[np.float32]]] = deque()
        with closing(Streams(self._predict_batch, self.threads)) as streams:
            for batch in images:
                waiting.append(streams.submit(batch))
                del batch
                if len(waiting) > BATCHES_AHEAD * self.threads:
                    answers += waiting.popleft().result().tobytes()
            while waiting:
                answers += waiting.popleft().result().tobytes()
        return np.frombuffer(answers, np.float32).reshape(-1, len(self.classes))

    def _predict_batch(self, images: NDArray[Any]) -> NDArray[np.float32]:
        # the pixels of a frame in a stack [y, x, frame] lie far apart: they are gathered once, for the whole batch
        return self.predict_visible(self.preprocessor.equalize(as_counts(images)))


def _noting_times(found: Iterable[Chunk], times: list[NDArray[np.datetime64] | None]) -> Iterator[NDArray[Any]]:
    for chunk in found:
        times.append(chunk.times)
        yield chunk.frames


def _check_number(name: str, value: Any) -> None:
    if not isinstance(value, (int, np.integer)) or isinstance(value, bool) or not 1 <= value <= MOST_AT_ONCE:
        raise OptionError(f"{name} {value!r} must be a whole number from 1 to {MOST_AT_ONCE}")
