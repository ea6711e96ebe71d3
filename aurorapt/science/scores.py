"""How well labels agree: counted frame by frame and night by night, with intervals."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
SEED = 0
INTERVAL = (2.5, 97.5)  # percentiles


class ClassScores(NamedTuple):
    """How a class is found: shares, NaN where there is nothing to divide by; ``frames`` in the reference."""

    precision: float
    recall: float
    f1: float
    frames: int


def confusion_matrix(reference: NDArray[np.intp], found: NDArray[np.intp], classes: int) -> NDArray[np.int64]:
    """Count frames: (classes, classes) [reference, found]."""
    counts = np.bincount(reference * classes + found, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def agreement(confusion: NDArray[np.int64]) -> float:
    """Give the share of frames that have the same class."""
    return _share(np.trace(confusion), confusion.sum())


def class_scores(confusion: NDArray[np.int64], number: int) -> ClassScores:
    """Give precision, recall and F1 of one class."""
    both, found, reference = confusion[number, number], confusion[:, number].sum(), confusion[number].sum()
    return ClassScores(
        _share(both, found), _share(both, reference), _share(2 * both, found + reference), int(reference)
    )


def _share(part: Any, whole: Any) -> float:
    return float(part / whole) if whole else float("nan")


def night_interval(
    nights: Sequence[NDArray[np.int64]], statistic: Callable[[NDArray[np.int64]], float]
) -> tuple[float, float] | None:
    """Give the 95 % interval of a statistic, from resampling whole nights with a fixed seed.

    Parameters
    ----------
    nights : the counts of each night, arrays of one shape that add up
    statistic : of their sum

    Returns
    -------
    None where there are fewer than two nights, or the statistic is never a number
    """
    if len(nights) < 2:
        return None
    counts = np.stack(nights)
    random = np.random.default_rng(SEED)
    drawn = random.integers(len(counts), size=(RESAMPLES, len(counts)))
    values = np.array([statistic(counts[places].sum(axis=0)) for places in drawn])
    values = values[np.isfinite(values)]
    if not len(values):
        return None
    low, high = np.percentile(values, INTERVAL)
    return float(low), float(high)
