"""Two sets of labels compared: of files, of trees, or of a human."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aurorapt.errors import OptionError, ResultsError
from aurorapt.science.human_intervals import (
    UNLABELLED,
    Interval,
    is_human_intervals,
    label_frames,
    read_human_intervals,
)
from aurorapt.science.stretches import NightFile, Stretch, find_night_files, read_night
from aurorapt.themis import CLASSES

Intervals = dict[tuple[str, str], list[Interval]]
SHIFTS = (-2, -1, 1, 2)  # seconds, looked for where few rows are in common
FEW = 0.5  # share of rows


@dataclass(frozen=True)
class NightComparison:
    """The frames of one camera-night that both sides have.

    ``labels`` : (2, n) places in the comparison's classes, [reference, judged]
    ``brier_terms`` : (n,) squared differences between the judged probability of the class and what the reference says
    ``differences`` : (n,) of confidences, none where the reference is a human
    ``shift_s`` : seconds by which the judged times are off, where that is plain
    """

    date: str
    site: str
    camera: str
    only_in_reference: int
    only_in_judged: int
    seconds: NDArray[np.int64]
    labels: NDArray[np.intp]
    brier_terms: NDArray[np.float64]
    differences: NDArray[np.float32]
    shift_s: int | None


@dataclass
class Comparison:
    """What comparing has found; ``problems`` are files that could not be used."""

    reference: str
    judged: str
    class_name: str
    classes: list[str] = field(default_factory=lambda: list(CLASSES))
    nights: list[NightComparison] = field(default_factory=list)
    only_in_reference: list[str] = field(default_factory=list)
    only_in_judged: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    human: bool = False
    whole_vectors: bool = True
    ignored_doubtful: int = 0

    def report(self, path: Path, reason: str) -> None:
        """Take note of a file that cannot be used."""
        self.problems.append(f"{path}: {reason}")

    def place(self, name: str) -> int:
        """Give the place of a class, which is added where it is new."""
        if name not in self.classes:
            self.classes.append(name)
        return self.classes.index(name)


def compare(first: Path, second: Path, class_name: str = "pulsating", ignore_doubtful: bool = False) -> Comparison:
    """Compare two sets of labels, second by second.

    Parameters
    ----------
    first, second : classification files, trees of them, or a CSV of human intervals; the reference is the human, else
        the first
    class_name : whose probability and events are compared
    ignore_doubtful : leave out the frames of which the human was not sure

    Raises
    ------
    OptionError
        If a path holds nothing to compare.
    ResultsError
        If the two have no camera-night in common.
    """
    humans = [path.is_file() and is_human_intervals(path) for path in (first, second)]
    if all(humans):
        raise OptionError(f"{first} and {second} are both human intervals; give one of them and some results")
    if humans[1]:
        first, second = second, first
    comparison = Comparison(str(first), str(second), class_name, human=any(humans))
    judged = find_night_files([second])
    if comparison.human:
        _compare_with_human(comparison, read_human_intervals(first), judged, ignore_doubtful)
    else:
        two_files = first.is_file() and second.is_file()  # then they are compared whatever they are called
        reference = find_night_files([first])
        pairs = [(reference[0], judged[0])] if two_files else _pairs(comparison, reference, judged)
        _compare_results(comparison, pairs)
    if not comparison.nights:
        problems = f" ({comparison.problems[0]})" if comparison.problems else ""
        raise ResultsError(f"{first} and {second} have no camera-night in common{problems}")
    numbers = np.unique(np.concatenate([night.labels.ravel() for night in comparison.nights]))
    names = {comparison.classes[number] for number in numbers}
    if class_name not in CLASSES and class_name not in names:
        raise OptionError(f"--class {class_name!r} is in neither; give {' or '.join(sorted(names) or CLASSES)}")
    return comparison


def _compare_with_human(
    comparison: Comparison, intervals: Intervals, judged: list[NightFile], ignore_doubtful: bool
) -> None:
    met = set()
    for night_file in judged:
        key = (night_file.date, night_file.site)
        if key not in intervals:
            comparison.only_in_judged.append(_name(night_file))
            continue
        met.add(key)
        night = read_night(night_file, comparison.report)
        if night is None:
            continue
        labels, doubtful = label_frames(intervals[key], night.seconds, comparison.classes)
        kept = (labels != UNLABELLED) & ~(doubtful & ignore_doubtful)
        comparison.ignored_doubtful += int((doubtful & ignore_doubtful).sum())
        unlabelled = int((labels == UNLABELLED).sum())
        everywhere = np.flatnonzero(kept)
        no_differences = np.empty(0, np.float32)
        comparison.nights.append(
            _night(comparison, night_file, night, everywhere, labels[kept], (0, unlabelled), no_differences, None)
        )
    comparison.only_in_reference = [" ".join(key) for key in sorted(intervals.keys() - met)]


def _compare_results(comparison: Comparison, pairs: Iterable[tuple[NightFile, NightFile]]) -> None:
    for one, other in pairs:
        before, after = (read_night(night_file, comparison.report) for night_file in (one, other))
        if before is None or after is None:
            continue
        common, here, there = np.intersect1d(before.seconds, after.seconds, assume_unique=True, return_indices=True)
        only = len(before.times) - len(common), len(after.times) - len(common)
        places = np.array([comparison.place(name) for name in before.classes], np.intp)
        differences = np.abs(before.confidences[here] - after.confidences[there])
        shift = _shift(before.seconds, after.seconds, len(common))
        comparison.nights.append(
            _night(comparison, other, after, there, places[before.labels[here]], only, differences, shift)
        )


def _night(
    comparison: Comparison,
    night_file: NightFile,
    night: Stretch,
    chosen: NDArray[np.intp],
    reference: NDArray[np.intp],
    only: tuple[int, int],
    differences: NDArray[np.float32],
    shift: int | None,
) -> NightComparison:
    """Compare the chosen frames of a judged night with the reference's labels of them."""
    places = np.array([comparison.place(name) for name in night.classes], np.intp)
    probability = _probability(comparison, night)[chosen]
    brier_terms = (probability - (reference == comparison.place(comparison.class_name))) ** 2
    labels = np.stack([reference, places[night.labels[chosen]]])
    date, site, camera = night_file.date, night_file.site, night_file.camera
    return NightComparison(date, site, camera, *only, night.seconds[chosen], labels, brier_terms, differences, shift)


def _probability(comparison: Comparison, night: Stretch) -> NDArray[np.float64]:
    """Give (n,) probabilities of the class: the network's own where they are on disk, else from the confidences."""
    if comparison.class_name not in night.classes:
        return np.zeros(len(night.times))
    number = night.classes.index(comparison.class_name)
    own = night.probabilities[:, number].astype(np.float64)
    if np.isfinite(own).all():
        return own
    comparison.whole_vectors = False
    rest = (1 - night.confidences.astype(np.float64)) / max(len(night.classes) - 1, 1)
    return np.where(np.isfinite(own), own, np.where(night.labels == number, night.confidences, rest))


def _pairs(
    comparison: Comparison, reference: list[NightFile], judged: list[NightFile]
) -> Iterator[tuple[NightFile, NightFile]]:
    """Pair the camera-nights of two sides: by date and site, and by camera where a site has several."""
    waiting: dict[tuple[str, str], list[NightFile]] = {}
    for night_file in judged:
        waiting.setdefault((night_file.date, night_file.site), []).append(night_file)
    crowds: dict[tuple[str, str], int] = {}
    for night_file in reference:
        key = (night_file.date, night_file.site)
        crowds[key] = crowds.get(key, 0) + 1
    for night_file in reference:
        key = (night_file.date, night_file.site)
        others = waiting.get(key, [])
        same = [other for other in others if other.camera == night_file.camera]
        if not same and crowds[key] == len(others) == 1:
            same = others
        if not same:
            comparison.only_in_reference.append(_name(night_file))
            continue
        waiting[key] = [other for other in others if other is not same[0]]
        yield night_file, same[0]
    comparison.only_in_judged += [_name(night_file) for others in waiting.values() for night_file in others]


def _name(night_file: NightFile) -> str:
    return f"{night_file.date} {night_file.camera}"


def _shift(before: NDArray[np.int64], after: NDArray[np.int64], common: int) -> int | None:
    """Give the seconds by which the later times are off, where so most rows would be in common and now few are."""
    least = FEW * min(len(before), len(after))
    if common > least or least == 0:
        return None
    counts = {shift: len(np.intersect1d(before, after - shift, assume_unique=True)) for shift in SHIFTS}
    best = max(counts, key=lambda shift: counts[shift])
    return best if counts[best] > least else None
