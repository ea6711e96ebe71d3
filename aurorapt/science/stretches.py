"""What each camera saw: results of neighbouring dates joined into stretches of frames in time order."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aurorapt.errors import OptionError, ResultsError
from aurorapt.results.beside import probabilities_path
from aurorapt.results.probabilities import read_probabilities
from aurorapt.results.tree import Result, results_below
from aurorapt.themis import CADENCE, CLASSES

FRAME_SECONDS = int(CADENCE.total_seconds())
LONGEST_PAUSE = 7200  # seconds without frames within a stretch: longer than smoothing reaches from either side
UNKNOWN = "unknown"  # site of a file whose name does not say it
CSV_NAME = re.compile(r"(?P<date>\d{8})_(?P<site>[a-z0-9]+)_(?P<device>[a-z0-9]+)_classifications\.txt", re.ASCII)

Report = Callable[[Path, str], None]  # what is done with a file that cannot be used, and why


@dataclass(frozen=True)
class NightFile:
    """One camera-night's result.

    ``date`` : as YYYYMMDD
    ``camera`` : its folder such as gill_themis19 where the companion tells it, else SITE_themis
    ``root`` : the tree it was found in, or the folder of a file that was named
    """

    result: Result
    date: str
    site: str
    camera: str
    root: Path

    @cached_property
    def weights(self) -> tuple[str, str, str]:
        """Hash, name and kind of the weights that made it; nothing where no companion says so of this very file."""
        result = Result(self.result.csv_file)  # of a new object, as ours would hold the content for good
        companion = result.companion if result.companion and result.is_whole() else None
        return (companion.weights_sha256, companion.weights_name, companion.weights_kind) if companion else ("", "", "")


@dataclass(frozen=True)
class Stretch:
    """Frames of one camera in time order, one a second, without a pause longer than `LONGEST_PAUSE`.

    ``times`` : (n,) datetime64[s], UTC
    ``labels`` : (n,) places in ``classes``
    ``confidences`` : (n,) float32, 0 to 1
    ``files`` : (n,) places in ``night_files``: which file each frame is of
    ``probabilities`` : (n, classes) float32 [frame, class], NaN where the network's own are not on disk
    """

    site: str
    camera: str
    classes: tuple[str, ...]
    night_files: tuple[NightFile, ...]
    times: NDArray[np.datetime64]
    labels: NDArray[np.intp]
    confidences: NDArray[np.float32]
    files: NDArray[np.intp]
    probabilities: NDArray[np.float32]

    @property
    def seconds(self) -> NDArray[np.int64]:
        """The times as (n,) seconds since 1970."""
        return self.times.astype(np.int64)


def find_night_files(paths: Iterable[Path]) -> list[NightFile]:
    """Find the results that paths name: files, or trees of them.

    Raises
    ------
    OptionError
        If a path is not there, holds no result, or two are the same camera-night.
    ResultsError
        If a folder cannot be listed.
    """
    found: dict[tuple[str, str], NightFile] = {}
    for path in paths:
        if not path.exists():
            raise OptionError(f"{path} is not there; name a classification file or a folder that holds some")
        results = list(results_below(path)) if path.is_dir() else [Result(path)]
        if not results:
            raise OptionError(f"{path} holds no results; name a folder with files ..._classifications.txt")
        root = path if path.is_dir() else path.parent
        for night_file in (_night_file(result, root) for result in results):
            key = (night_file.date, night_file.camera)
            other = found.setdefault(key, night_file).result.csv_file
            if other.resolve() != night_file.result.csv_file.resolve():
                raise OptionError(
                    f"{other} and {night_file.result.csv_file} are the same camera-night; name one of them"
                )
    return sorted(found.values(), key=lambda night_file: (night_file.camera, night_file.date))


def _night_file(result: Result, root: Path) -> NightFile:
    name = CSV_NAME.fullmatch(result.csv_file.name)
    if name is None:
        return NightFile(result, result.csv_file.name, UNKNOWN, UNKNOWN, root)
    folder = result.night.camera.lower() if result.night else f"{name['site']}_{name['device']}"
    return NightFile(result, name["date"], name["site"], folder, root)


def stretches(night_files: Iterable[NightFile], report: Report) -> Iterator[Stretch]:
    """Read results and join them, camera by camera; no more than a camera's longest stretch is held in memory.

    Parameters
    ----------
    night_files : in the order that `find_night_files` gives
    report : called with each file that cannot be used, which is then left out
    """
    pending: Stretch | None = None
    for night_file in night_files:
        stretch = read_night(night_file, report)
        if stretch is None or len(stretch.times) == 0:
            continue
        if pending is not None and _continues(pending, stretch):
            stretch = _join(pending, stretch)
        elif pending is not None:
            yield pending
        *whole, pending = _cut_at_pauses(stretch)
        yield from whole
    if pending is not None:
        yield pending


def read_night(night_file: NightFile, report: Report) -> Stretch | None:
    """Read one camera-night, all of it, whatever pauses it has; None where it cannot be used."""
    try:
        rows = Result(night_file.result.csv_file).rows  # of a new object, as `night_file` would hold them for good
        classes, labels = _numbered(night_file, rows)
        times, backwards = np.unique(rows["time"][::-1], return_index=True)
        chosen = len(rows) - 1 - backwards  # of a second that is there twice, the later row, as in what we write
        labels, confidences = labels[chosen], rows["confidence"][chosen]
        probabilities = _read_probabilities(night_file, times, classes, labels, confidences, report)
    except ResultsError as error:
        report(night_file.result.csv_file, str(error))
        return None
    return Stretch(
        night_file.site,
        night_file.camera,
        classes,
        (night_file,),
        times,
        labels,
        confidences,
        np.zeros(len(times), np.intp),
        probabilities,
    )


def _numbered(night_file: NightFile, rows: NDArray[np.void]) -> tuple[tuple[str, ...], NDArray[np.intp]]:
    """Give the class names and each row's place among them: the published network's, wherever those are all."""
    names, places = np.unique(rows["prediction_str"], return_inverse=True)
    companion = night_file.result.companion
    classes: tuple[str, ...] = tuple(names.tolist())
    for known in (CLASSES, tuple(companion.classes) if companion else ()):
        if set(classes) <= set(known):
            classes = known
            break
    numbers = np.array([classes.index(name) for name in names.tolist()], np.intp)
    return classes, numbers[places] if len(names) else np.empty(0, np.intp)


def _read_probabilities(
    night_file: NightFile,
    times: NDArray[np.datetime64],
    classes: tuple[str, ...],
    labels: NDArray[np.intp],
    confidences: NDArray[np.float32],
    report: Report,
) -> NDArray[np.float32]:
    """Read the probabilities beside a file, where they are the ones that its labels and confidences came from."""
    path = probabilities_path(night_file.result.csv_file)
    nothing = np.full((len(times), len(classes)), np.nan, np.float32)
    if path.exists():
        try:
            theirs, probabilities, names = read_probabilities(path)
        except ResultsError as error:
            report(path, str(error))
            return nothing
        if (
            tuple(names) == classes
            and np.array_equal(theirs, times)
            and np.array_equal(probabilities[np.arange(len(labels)), labels], confidences)
        ):
            return probabilities
        report(path, "its rows are not those of the classifications beside it; not used")
    return nothing


def _continues(before: Stretch, after: Stretch) -> bool:
    pause = after.seconds[0] - before.seconds[-1]
    return bool(before.camera == after.camera and before.classes == after.classes and pause <= LONGEST_PAUSE)


def _join(before: Stretch, after: Stretch) -> Stretch:
    """Join two parts of a stretch; of a second that is in both, the earlier file's frame is kept."""
    times, first = np.unique(np.concatenate([before.times, after.times]), return_index=True)
    return Stretch(
        before.site,
        before.camera,
        before.classes,
        before.night_files + after.night_files,
        times,
        np.concatenate([before.labels, after.labels])[first],
        np.concatenate([before.confidences, after.confidences])[first],
        np.concatenate([before.files, after.files + len(before.night_files)])[first],
        np.concatenate([before.probabilities, after.probabilities])[first],
    )


def _cut_at_pauses(stretch: Stretch) -> Iterator[Stretch]:
    bounds = [0, *(np.flatnonzero(np.diff(stretch.seconds) > LONGEST_PAUSE) + 1).tolist(), len(stretch.times)]
    for first, end in pairwise(bounds):
        files, places = np.unique(stretch.files[first:end], return_inverse=True)
        yield Stretch(
            stretch.site,
            stretch.camera,
            stretch.classes,
            tuple(stretch.night_files[number] for number in files),
            stretch.times[first:end],
            stretch.labels[first:end],
            stretch.confidences[first:end],
            places,
            stretch.probabilities[first:end],
        )
