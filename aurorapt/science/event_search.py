"""All events of some results, and everything that a methods section needs to say of them."""

from collections import Counter
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np

from aurorapt import __version__
from aurorapt.errors import OptionError
from aurorapt.science.comparison_numbers import without_nan
from aurorapt.science.events import GOOD_COVERAGE, GOOD_PROBABILITY, Event, EventRule, find_events
from aurorapt.science.smoothed_files import SmoothedFiles
from aurorapt.science.smoothing import Regression, Smoother, choose_smoother
from aurorapt.science.stretches import FRAME_SECONDS, NightFile, Stretch, find_night_files, stretches

COLUMNS = tuple("class" if field.name == "class_name" else field.name for field in fields(Event))
SIMULATED = "simulated"  # kind of weights


@dataclass
class EventSearch:
    """What a search has found; ``problems`` are files that could not be used, by their path."""

    class_name: str
    rule: EventRule
    night_files: list[NightFile]
    events: list[Event] = field(default_factory=list)
    frames: Counter[str] = field(default_factory=Counter)
    expected_frames: Counter[str] = field(default_factory=Counter)
    smoothers: dict[str, Smoother] = field(default_factory=dict)
    weights: dict[str, dict[str, Any]] = field(default_factory=dict)
    frames_with_probabilities: int = 0
    notes: list[str] = field(default_factory=list)
    problems: dict[Path, str] = field(default_factory=dict)

    @property
    def rows(self) -> list[list[Any]]:
        """The events as rows of `COLUMNS`."""
        return [[getattr(event, field.name) for field in fields(Event)] for event in self.events]

    def note(self, text: str) -> None:
        """Take note of what a reader has to know, once."""
        if text not in self.notes:
            self.notes.append(text)

    def report(self, path: Path, reason: str) -> None:
        """Take note of a file that cannot be used."""
        self.problems[path] = reason


def search(
    paths: list[Path],
    class_name: str = "pulsating",
    model: str = "auto",
    rule: EventRule | None = None,
    smooth: Path | None = None,
) -> EventSearch:
    """Find all events of a class, joined across midnight, split at gaps in the data.

    Parameters
    ----------
    paths : classification files, or trees of them
    class_name : whose events
    model : of `aurorapt.science.smoothing.MODELS`
    rule : what makes an event
    smooth : folder for classification files with the smoothed labels

    Raises
    ------
    OptionError
        If an option cannot be used, or nothing has such a class.
    ResultsError
        If a folder cannot be listed, or a smoothed file cannot be written.
    """
    found = EventSearch(class_name, rule or EventRule(), find_night_files(paths))
    files = SmoothedFiles(smooth, found.night_files) if smooth else None
    known: set[str] = set()
    for stretch in stretches(found.night_files, found.report):
        smoother = choose_smoother(model, stretch.classes)
        probabilities = smoother(stretch)
        if files:
            files.add(stretch, probabilities)
        known.update(stretch.classes)
        _count(found, stretch, smoother)
        if class_name in stretch.classes:
            number = stretch.classes.index(class_name)
            found.expected_frames[stretch.site] += probabilities[:, number].sum()
            validated = validated_sites(smoother, stretch, class_name)
            found.events += find_events(stretch, probabilities, class_name, found.rule, smoother, validated)
    if files:
        files.close({path.relative_to(_root(found, path)) for path in found.problems if path.suffix == ".txt"})
    if known and class_name not in known:
        raise OptionError(f"--class {class_name!r} is none of these results; give {' or '.join(sorted(known))}")
    _tell(found, model)
    return found


def _root(found: EventSearch, path: Path) -> Path:
    return next(night_file.root for night_file in found.night_files if night_file.result.csv_file == path)


def _count(found: EventSearch, stretch: Stretch, smoother: Smoother) -> None:
    found.frames[stretch.site] += len(stretch.times)
    found.frames_with_probabilities += int(np.isfinite(stretch.probabilities).all(axis=1).sum())
    found.smoothers[smoother.model_id] = smoother
    for night_file in stretch.night_files:
        sha256, name, kind = night_file.weights
        known = found.weights.setdefault(sha256, {"name": name, "kind": kind, "camera_nights": {}})
        known["camera_nights"][f"{night_file.date} {night_file.camera}"] = None


def validated_sites(smoother: Smoother, stretch: Stretch, class_name: str) -> frozenset[str]:
    """Give the sites where a human has confirmed the class; none for a network that the human never judged."""
    simulated = any(night_file.weights[2] == SIMULATED for night_file in stretch.night_files)
    if simulated or not isinstance(smoother, Regression):
        return frozenset()
    return frozenset(site for site, row in smoother.document["sites"].items() if class_name in row["validated"])


def _tell(found: EventSearch, model: str) -> None:
    """Say what a reader has to know of these events."""
    if any(not isinstance(smoother, Regression) for smoother in found.smoothers.values()):
        why = "asked for" if model == "majority" else "these weights have other classes than the regression knows"
        found.note(f"the plain majority of 601 frames was used ({why}); its p_mean is a share, not a probability")
    if any(row["kind"] == SIMULATED for row in found.weights.values()):
        found.note("weights trained on simulated frames: for trying the tool, not for science")
    unvalidated = sorted({event.site for event in found.events if not event.site_validated})
    if unvalidated:
        found.note(f"not validated for {found.class_name}: {', '.join(unvalidated)}; see site_validated")


def _hours(frames: float) -> float:
    return round(float(frames) * FRAME_SECONDS / 3600, 3)


def methods(found: EventSearch, model: str) -> dict[str, Any]:
    """Give everything that a methods section needs, as JSON can hold it."""
    with_rows = {label for row in found.weights.values() for label in row["camera_nights"]}
    document: dict[str, Any] = {
        "aurorapt_version": __version__,
        "class": found.class_name,
        "events": len(found.events),
        "event_rule": {
            "frame": "the smoothed class, the one with the largest probability, is the class",
            "close_s": found.rule.close,
            "min_duration_s": found.rule.min_duration,
            "split_at_data_gaps_over_s": found.rule.longest_gap,
            "good_quality": f"site_validated, p_mean >= {GOOD_PROBABILITY}, {GOOD_COVERAGE} of the duration observed",
        },
        "hours_observed": {"all": _hours(found.frames.total())}
        | {site: _hours(frames) for site, frames in sorted(found.frames.items())},
        "hours_expected_of_class": {site: _hours(frames) for site, frames in sorted(found.expected_frames.items())},
        "camera_nights": len(found.night_files),
        "camera_nights_with_rows": len(with_rows),
        "weights": {
            sha256: row | {"camera_nights": list(row["camera_nights"])} for sha256, row in found.weights.items()
        },
        "network_probabilities": {
            "frames_with_them": found.frames_with_probabilities,
            "used_for": "network_p_mean, and in place of votes by the majority; the regression was fitted without them",
        },
        "model_asked_for": model,
        "models": {name: getattr(smoother, "document", {}) for name, smoother in found.smoothers.items()},
        "notes": found.notes,
        "problems": {str(path): reason for path, reason in found.problems.items()},
    }
    plain: dict[str, Any] = without_nan(document)
    return plain
