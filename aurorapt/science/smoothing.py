"""From flickering labels to what a camera saw: averages over time, and the regression fitted on human labels."""

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from aurorapt.errors import OptionError
from aurorapt.science.stretches import Stretch
from aurorapt.themis import CLASSES

MODELS = ("auto", "regression", "majority")
MAJORITY_REACH = 900  # seconds before and after a frame: 601 frames


class Smoother(Protocol):
    """What gives each frame of a stretch its probabilities from the labels around it."""

    @property
    def model_id(self) -> str:
        """Name and version, for the record."""
        ...

    def __call__(self, stretch: Stretch) -> NDArray[np.float64]:
        """Give (n, classes) float64 [frame, class]; each frame's sum is 1."""
        ...


def window_means(seconds: NDArray[np.int64], values: NDArray[np.floating[Any]], reach: int) -> NDArray[np.float64]:
    """Average over the frames that lie within some time of each frame, however many there are.

    Parameters
    ----------
    seconds : (n,) times, ascending
    values : (n, k) [frame, value]
    reach : seconds before and after, both included

    Returns
    -------
    (n, k) float64 [frame, value]
    """
    sums = np.zeros((len(values) + 1, values.shape[1]))
    np.cumsum(values, axis=0, out=sums[1:])
    first = np.searchsorted(seconds, seconds - reach, side="left")
    end = np.searchsorted(seconds, seconds + reach, side="right")
    means: NDArray[np.float64] = (sums[end] - sums[first]) / (end - first)[:, None]
    return means


def votes(stretch: Stretch) -> NDArray[np.float64]:
    """Give (n, classes) [frame, class] with 1 where the label is."""
    ones: NDArray[np.float64] = np.eye(len(stretch.classes))[stretch.labels]
    return ones


class Majority:
    """Share of each class among the labels of half an hour; of the network's own probabilities where those are on disk.

    A share is no probability: no human label has been asked.
    """

    model_id = "majority-601"

    def __call__(self, stretch: Stretch) -> NDArray[np.float64]:
        """Give (n, classes) float64 [frame, class]; each frame's sum is 1."""
        there = np.isfinite(stretch.probabilities)
        return window_means(stretch.seconds, np.where(there, stretch.probabilities, votes(stretch)), MAJORITY_REACH)


@dataclass(frozen=True)
class Regression:
    """Logistic regression on averages of the labels weighted with their confidence, fitted by scripts/fit_smoothing.py.

    ``reaches`` : seconds before and after a frame, of each average
    ``final_reach`` : the same, of the average of the probabilities that ends it
    ``means``, ``scales`` : (features,) that make features comparable; a feature is a reach and a class, in this order
    ``coefficients`` : (features, classes), ``intercepts`` : (classes,)
    ``document`` : the file it was read from, with training nights and scores
    """

    reaches: tuple[int, ...]
    final_reach: int
    means: NDArray[np.float64]
    scales: NDArray[np.float64]
    coefficients: NDArray[np.float64]
    intercepts: NDArray[np.float64]
    document: dict[str, Any]

    @property
    def model_id(self) -> str:
        """Name and version, for the record."""
        text = json.dumps(self.document["model"], sort_keys=True)
        return f"regression-{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    def __call__(self, stretch: Stretch) -> NDArray[np.float64]:
        """Give (n, classes) float64 [frame, class]; each frame's sum is 1."""
        scaled = (features(stretch, self.reaches) - self.means) / self.scales
        scores = scaled @ self.coefficients + self.intercepts
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        return window_means(stretch.seconds, odds / odds.sum(axis=1, keepdims=True), self.final_reach)


def features(stretch: Stretch, reaches: tuple[int, ...]) -> NDArray[np.float64]:
    """Average the labels, weighted with their confidence.

    Returns
    -------
    (n, reaches x classes) float64 [frame, feature]
    """
    weighted = votes(stretch) * stretch.confidences[:, None]
    return np.hstack([window_means(stretch.seconds, weighted, reach) for reach in reaches])


@lru_cache(maxsize=1)
def shipped_regression() -> Regression:
    """Read the regression that comes with the package."""
    text = resources.files(__package__).joinpath("smoothing_model.json").read_text()
    document = json.loads(text)
    model = document["model"]
    return Regression(
        reaches=tuple(model["reaches_s"]),
        final_reach=model["final_reach_s"],
        means=np.array(model["means"]),
        scales=np.array(model["scales"]),
        coefficients=np.array(model["coefficients"]),
        intercepts=np.array(model["intercepts"]),
        document=document,
    )


def choose_smoother(name: str, classes: tuple[str, ...]) -> Smoother:
    """Choose what smooths labels of these classes.

    Parameters
    ----------
    name : of `MODELS`; auto stands for the regression where the classes are the published network's, else the majority

    Raises
    ------
    OptionError
        If there is no such model, or the regression is asked for other classes.
    """
    if name not in MODELS:
        raise OptionError(f"--model {name!r} is unknown; give {' or '.join(MODELS)}")
    if name == "majority" or (name == "auto" and classes != CLASSES):
        return Majority()
    if classes != CLASSES:
        raise OptionError(f"--model regression knows {', '.join(CLASSES)}, not {', '.join(classes)}; give majority")
    return shipped_regression()
