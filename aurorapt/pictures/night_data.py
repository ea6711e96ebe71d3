"""A camera-night's result with what smoothing makes of it: what every picture of a night shows."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aurorapt.errors import ResultsError
from aurorapt.pictures.time_bins import gaps, minutes_of
from aurorapt.results.companion import Companion, RecordedProblem
from aurorapt.results.tree import Result
from aurorapt.science.event_search import SIMULATED, validated_sites
from aurorapt.science.events import Event, EventRule, find_events
from aurorapt.science.smoothing import choose_smoother
from aurorapt.science.stretches import NightFile, Report, Stretch, find_night_files, stretches

DAY = timedelta(days=1)
SHOWN_HASH = 8  # characters of a hash in small print


@dataclass(frozen=True)
class Night:
    """One camera-night: labels of the network, what smoothing makes of them, events, and how it all was made.

    ``date`` : UT date of the file, None where its name does not say it
    ``site``, ``camera`` : such as gill and gill_themis19, or gill_themis where no companion tells the device
    ``classes`` : names, in the order of their numbers
    ``times`` : (n,) datetime64[s], UTC, ascending, one frame a second
    ``labels`` : (n,) places in ``classes``, as the network gave them
    ``confidences`` : (n,) float32, 0 to 1
    ``probabilities`` : (n, classes) float64 [frame, class], smoothed, over midnight too; a share with the majority
    ``class_name`` : whose events these are
    ``events`` : that have a frame in this night; one may begin before it or end after it
    ``model_id`` : of the smoothing; empty where there are no frames
    ``companion`` : how the file was made; None where there is none of this very file
    """

    night_file: NightFile
    date: date | None
    site: str
    camera: str
    classes: tuple[str, ...]
    times: NDArray[np.datetime64]
    labels: NDArray[np.intp]
    confidences: NDArray[np.float32]
    probabilities: NDArray[np.float64]
    class_name: str
    events: tuple[Event, ...]
    model_id: str
    companion: Companion | None

    @property
    def smoothed_labels(self) -> NDArray[np.intp]:
        """The (n,) places in ``classes`` of the most probable class."""
        labels: NDArray[np.intp] = self.probabilities.argmax(axis=1) if self.classes else self.labels
        return labels

    @property
    def class_probability(self) -> NDArray[np.float64] | None:
        """The (n,) smoothed probability of ``class_name``; None where the network has no such class."""
        if self.class_name not in self.classes:
            return None
        probability: NDArray[np.float64] = self.probabilities[:, self.classes.index(self.class_name)]
        return probability

    @cached_property
    def gaps(self) -> NDArray[np.datetime64]:
        """Where frames are missing between the first and the last, (gaps, 2) datetime64[s] [gap, start or end], UTC."""
        return gaps(self.times)

    @property
    def problems(self) -> list[RecordedProblem]:
        """What could not be read, as the companion says."""
        return self.companion.problems if self.companion else []

    @property
    def problem_minutes(self) -> NDArray[np.datetime64]:
        """The minutes, datetime64[m], ascending, whose file had a problem; files with other names are left out."""
        return minutes_of(problem["file"] for problem in self.problems)

    @property
    def simulated(self) -> bool:
        """Whether the weights were trained on simulated frames: for trying the tool, not for science."""
        return self.companion is not None and self.companion.weights_kind == SIMULATED

    @property
    def made_with(self) -> str:
        """Name the weights, their kind and the version in one line."""
        if self.companion is None:
            return "weights unknown: no companion of this file"
        about = self.companion
        return (
            f"weights {about.weights_name} ({about.weights_kind}, {about.weights_sha256[:SHOWN_HASH]}), "
            f"aurorapt {about.aurorapt_version}"
        )


def read_one_night(
    csv_file: Path,
    report: Report,
    class_name: str = "pulsating",
    model: str = "auto",
    rule: EventRule | None = None,
) -> Night:
    """Read one camera-night; smoothing and events reach into the neighbouring dates where their results are there.

    Parameters
    ----------
    csv_file : classification file, of this program or of the original one; its neighbours are sought in the same
        folder, or in those of their dates where it lies in a folder YYYY/MM/DD
    report : called with each neighbour that cannot be used
    class_name : whose events
    model : of `aurorapt.science.smoothing.MODELS`
    rule : what makes an event

    Raises
    ------
    OptionError
        If it is not there, or there is no such model.
    ResultsError
        If it cannot be read.

    Examples
    --------
    >>> night = read_one_night(Path("results/2020/02/18/20200218_fsmi_themis_classifications.txt"), print)
    >>> night.class_probability.max()
    """
    (own,) = find_night_files([csv_file])
    faults: dict[Path, str] = {}
    files = sorted([own, *_neighbours(own)], key=lambda night_file: night_file.date)
    nights = list(read_nights(files, faults.__setitem__, class_name, model, rule))
    if csv_file in faults:
        raise ResultsError(faults[csv_file])
    for path, reason in faults.items():
        report(path, reason)
    return next(night for night in nights if night.night_file == own)


def _neighbours(own: NightFile) -> list[NightFile]:
    """Find the results of the same camera on the dates before and after."""
    day = _date(own)
    if day is None:
        return []
    folder = own.result.csv_file.parent
    in_tree = folder.parts[-3:] == (f"{day:%Y}", f"{day:%m}", f"{day:%d}")
    found = []
    for other in (day - DAY, day + DAY):
        place = folder.parents[2] / f"{other:%Y/%m/%d}" if in_tree else folder
        names = (f"{other:%Y%m%d}_{camera}_classifications.txt" for camera in _cameras(own))
        nights = (find_night_files([place / name])[0] for name in names if (place / name).is_file())
        found += [night for night in nights if night.camera == own.camera][:1]
    return found


def _cameras(own: NightFile) -> list[str]:
    """Give what the name of another date's file may say, as two cameras of a site may share just one of the dates."""
    named = own.result.csv_file.name.partition("_")[2].removesuffix("_classifications.txt")
    return list(dict.fromkeys([named, own.camera, f"{own.site}_themis"]))


def _date(night_file: NightFile) -> date | None:
    try:
        return datetime.strptime(night_file.date, "%Y%m%d").date()
    except ValueError:
        return None


def read_nights(
    night_files: Iterable[NightFile],
    report: Report,
    class_name: str = "pulsating",
    model: str = "auto",
    rule: EventRule | None = None,
) -> Iterator[Night]:
    """Read any number of camera-nights, each file once; no more than a camera's longest stretch is held in memory.

    Parameters
    ----------
    night_files : in the order that `aurorapt.science.stretches.find_night_files` gives
    report : called with each file that cannot be used, which is then left out
    class_name, model, rule : as `read_one_night` takes them

    Yields
    ------
    Night
        In the order of cameras and dates; those without frames come last.
    """
    files = list(night_files)
    waiting: dict[Path, list[_Part]] = {}
    done: set[Path] = set()

    def note(path: Path, reason: str) -> None:
        done.add(path)
        report(path, reason)

    for stretch in stretches(files, note):
        parts = _parts(stretch, class_name, model, rule or EventRule())
        for path in [path for path in waiting if path not in parts]:
            yield _night(waiting.pop(path))
        for path, part in parts.items():
            waiting.setdefault(path, []).append(part)
        done.update(parts)
    for held in waiting.values():
        yield _night(held)
    for night_file in files:
        if night_file.result.csv_file not in done:
            yield _empty(night_file, class_name)


@dataclass(frozen=True)
class _Part:
    """What a stretch holds of one file: the places of its frames, and the stretch's probabilities and events."""

    stretch: Stretch
    night_file: NightFile
    chosen: NDArray[np.intp]
    probabilities: NDArray[np.float64]
    events: tuple[Event, ...]
    class_name: str
    model_id: str


def _parts(stretch: Stretch, class_name: str, model: str, rule: EventRule) -> dict[Path, _Part]:
    smoother = choose_smoother(model, stretch.classes)
    probabilities = smoother(stretch)
    events: list[Event] = []
    if class_name in stretch.classes:
        validated = validated_sites(smoother, stretch, class_name)
        events = list(find_events(stretch, probabilities, class_name, rule, smoother, validated))
    parts = {}
    for number, night_file in enumerate(stretch.night_files):
        (chosen,) = np.nonzero(stretch.files == number)
        if len(chosen):
            times = stretch.times[chosen]
            here = tuple(event for event in events if _touches(event, times[0], times[-1]))
            part = _Part(stretch, night_file, chosen, probabilities[chosen], here, class_name, smoother.model_id)
            parts[night_file.result.csv_file] = part
    return parts


def event_times(event: Event) -> NDArray[np.datetime64]:
    """Give an event's start and end, (2,) datetime64[s], UTC."""
    return np.array([event.start.removesuffix("Z"), event.end.removesuffix("Z")], "datetime64[s]")


def _touches(event: Event, first: np.datetime64, last: np.datetime64) -> bool:
    start, end = event_times(event)
    return bool(start <= last and end > first)


def _night(parts: list[_Part]) -> Night:
    first = parts[0]
    return Night(
        first.night_file,
        _date(first.night_file),
        first.night_file.site,
        first.night_file.camera,
        first.stretch.classes,
        np.concatenate([part.stretch.times[part.chosen] for part in parts]),
        np.concatenate([part.stretch.labels[part.chosen] for part in parts]),
        np.concatenate([part.stretch.confidences[part.chosen] for part in parts]),
        np.concatenate([part.probabilities for part in parts]),
        first.class_name,
        tuple(event for part in parts for event in part.events),
        first.model_id,
        _companion(first.night_file),
    )


def _empty(night_file: NightFile, class_name: str) -> Night:
    companion = _companion(night_file)
    classes = tuple(companion.classes) if companion else ()
    return Night(
        night_file,
        _date(night_file),
        night_file.site,
        night_file.camera,
        classes,
        np.empty(0, "datetime64[s]"),
        np.empty(0, np.intp),
        np.empty(0, np.float32),
        np.empty((0, len(classes))),
        class_name,
        (),
        "",
        companion,
    )


def _companion(night_file: NightFile) -> Companion | None:
    """Read the companion, if it is that of this very file."""
    result = Result(night_file.result.csv_file)  # of a new object, as the old one would hold the content for good
    return result.companion if result.companion and result.is_whole() else None
