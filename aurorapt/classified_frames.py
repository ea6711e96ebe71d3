"""What the classifier says of frames: probabilities, labels and confidence, with times and files where known."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aurorapt.archive.camera_nights import Problem
from aurorapt.errors import counted
from aurorapt.machine.extras import load_extra

if TYPE_CHECKING:
    import pandas as pd

PREFIX = "p_"  # of the columns of probabilities, before the class


class ClassifiedFrame(NamedTuple):
    """One frame: its class, the probability of that, and its time (UTC), camera and file where they are known."""

    label: str
    confidence: np.float32
    time: np.datetime64 | None
    camera: str | None
    file: str | None


@dataclass(frozen=True, eq=False, repr=False)
class ClassifiedFrames:
    """What the classifier says of n frames, in their order.

    Its length is n, and it yields `ClassifiedFrame`.

    Attributes
    ----------
    probabilities : (n, classes) float32 [frame, class], 0 to 1
    classes : class names in the order of their numbers
    times : (n,) datetime64[us], UTC; None where they are not known
    cameras : (n,) names such as gill_themis19; None where they are not known
    files : (n,) paths of the minute files; None where the frames are from memory
    problems : files and frames that could not be used, and are therefore not among the n
    labels : (n,) class names, each frame's likeliest
    confidence : (n,) float32, the largest probability
    """

    probabilities: NDArray[np.float32]
    classes: tuple[str, ...]
    times: NDArray[np.datetime64] | None = None
    cameras: NDArray[np.object_] | None = None
    files: NDArray[np.object_] | None = None
    problems: tuple[Problem, ...] = ()

    @property
    def labels(self) -> NDArray[np.str_]:
        """(n,) class names."""
        labels: NDArray[np.str_] = np.array(self.classes)[self.probabilities.argmax(axis=1)]
        return labels

    @property
    def confidence(self) -> NDArray[np.float32]:
        """(n,) float32, 0 to 1."""
        confidence: NDArray[np.float32] = self.probabilities.max(axis=1, initial=0)
        return confidence

    def __len__(self) -> int:
        return len(self.probabilities)

    def __iter__(self) -> Iterator[ClassifiedFrame]:
        nothing = [None] * len(self)
        rest = (nothing if column is None else column for column in (self.times, self.cameras, self.files))
        return map(ClassifiedFrame, self.labels.tolist(), self.confidence, *rest)

    def __repr__(self) -> str:
        found = Counter(self.labels.tolist())
        counts = ", ".join(f"{name} {found[name]}" for name in self.classes)
        problems = f"; {counted(len(self.problems), 'problem')}" if self.problems else ""
        return f"<ClassifiedFrames: {counted(len(self), 'frame')} ({counts}){problems}>"

    def to_dataframe(self) -> "pd.DataFrame":
        """Make a table of it, with the columns of `aurorapt.read_classifications` as far as they are known.

        Returns
        -------
        pandas.DataFrame
            One row a frame, in the order of the frames: ``site``, ``camera``, ``time`` (UTC), ``class`` (categorical),
            ``confidence`` (float32), ``file``, and ``p_CLASS`` (float32) for each class.

        Raises
        ------
        OptionError
            If pandas is not installed.
        """
        pandas = load_extra("pandas", "science", "tables need pandas")
        table: dict[str, Any] = {}
        if self.cameras is not None:
            table["site"] = [camera.partition("_")[0] for camera in self.cameras]
            table["camera"] = self.cameras
        if self.times is not None:
            table["time"] = self.times
        table["class"] = pandas.Categorical.from_codes(self.probabilities.argmax(axis=1), categories=list(self.classes))
        table["confidence"] = self.confidence
        if self.files is not None:
            table["file"] = self.files
        for number, name in enumerate(self.classes):
            table[PREFIX + name] = self.probabilities[:, number]
        return pandas.DataFrame(table)
