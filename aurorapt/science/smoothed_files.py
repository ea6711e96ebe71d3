"""Smoothed labels written as classification files, one for each that was read."""

from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aurorapt.errors import OptionError
from aurorapt.results.beside import probabilities_path
from aurorapt.results.classifications import CLASSIFICATION, csv_text
from aurorapt.results.probabilities import probabilities_text
from aurorapt.science.output_files import write_files
from aurorapt.science.stretches import NightFile, Stretch


class SmoothedFiles:
    """Files of the same names, in the same folders and format, whose confidence is the smoothed label's probability.

    Beside each stand the probabilities of all classes.

    Parameters
    ----------
    folder : new tree
    night_files : all that are read; those without rows get a file without rows

    Raises
    ------
    OptionError
        If that would overwrite what is read.
    """

    def __init__(self, folder: Path, night_files: list[NightFile]) -> None:
        self.folder = folder
        self.waiting: dict[Path, list[tuple[NDArray[np.void], NDArray[np.float64], tuple[str, ...]]]] = {}
        targets: dict[Path, Path] = {}
        for night_file in night_files:
            source, target = night_file.result.csv_file, self._target(night_file)
            if target.resolve() == source.resolve() or target in targets:
                other = targets.get(target, source)
                raise OptionError(f"--smooth {folder}: {target} would replace {other}; give another folder")
            targets[target] = source
        self.unwritten = set(targets)

    def _target(self, night_file: NightFile) -> Path:
        return self.folder / night_file.result.csv_file.relative_to(night_file.root)

    def add(self, stretch: Stretch, probabilities: NDArray[np.float64]) -> None:
        """Take a stretch and its (n, classes) probabilities; what no later stretch adds to is written."""
        targets = [self._target(night_file) for night_file in stretch.night_files]
        for target in set(self.waiting) - set(targets):
            self._write(target)
        for number, target in enumerate(targets):
            chosen = stretch.files == number
            labels = probabilities[chosen].argmax(axis=1)
            rows = np.empty(len(labels), CLASSIFICATION)
            rows["time"] = stretch.times[chosen]
            rows["prediction"] = labels
            rows["prediction_str"] = np.array(stretch.classes)[labels]
            rows["confidence"] = probabilities[chosen].max(axis=1)
            self.waiting.setdefault(target, []).append((rows, probabilities[chosen], stretch.classes))

    def close(self, unusable: set[Path]) -> None:
        """Write what is left, and a file without rows for each that had none, but for those that could not be read."""
        for target in list(self.waiting):
            self._write(target)
        for target in sorted(self.unwritten):
            if target.relative_to(self.folder) not in unusable:
                write_files({target: csv_text(np.empty(0, CLASSIFICATION), datetime.now())})

    def _write(self, target: Path) -> None:
        parts = self.waiting.pop(target)
        rows, probabilities = (np.concatenate([part[place] for part in parts]) for place in (0, 1))
        text = probabilities_text(rows["time"], probabilities.astype(np.float32), parts[0][2])
        write_files({target: csv_text(rows, datetime.now()), probabilities_path(target): text})
        self.unwritten.discard(target)
