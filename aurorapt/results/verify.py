"""A tree of results checked: every CSV against its companion, and against the archive it was made from."""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from aurorapt.archive.camera_nights import CameraNight, Problem, camera_nights, folder_in
from aurorapt.archive.night_listing import list_minute_files
from aurorapt.errors import ArchiveError, ResultsError, counted
from aurorapt.results.classifications import csv_path
from aurorapt.results.companion import Companion, companion_path
from aurorapt.results.tree import UNREAD, Result, ResultFolder, folders_below

NAMED_IN_REMARK = 3  # of the other files of a folder


@dataclass(frozen=True)
class Fault:
    """What is wrong with a result.

    ``kind`` is missing, damaged or stale, and ``file`` the CSV, or a folder that cannot be listed; or it is mixed,
    where a tree holds results of several weights, and ``file`` the tree.
    """

    kind: str
    file: str
    reason: str


@dataclass
class Verification:
    """What a check found.

    ``results`` : how many there are
    ``weights`` : how many of them were made with which weights, by name and kind
    ``faults`` : one at most for each result, and one for the tree
    ``remarks`` : what else lies in the tree, a line a folder
    """

    results: int = 0
    weights: dict[str, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def verify(output: Path, archive: Path | None = None) -> Verification:
    """Check all results below a folder.

    Parameters
    ----------
    output : folder for the results of `aurorapt.classify`
    archive : folder that holds the years, or the sites, as `find_archive` gives it; where given, results whose minute
        files have changed are stale, and the camera-nights of the sites and the range of dates that have results are
        missing where they have none

    Raises
    ------
    ResultsError
        If a folder of results cannot be listed.
    ArchiveError
        If the archive cannot be listed.
    """
    verification = Verification()
    sound: dict[CameraNight, Path] = {}
    remarks: list[str] = []
    made_with: Counter[tuple[str, str, str, str]] = Counter()

    def note_folder(problem: ResultsError) -> None:
        verification.faults.append(Fault("missing", str(output), str(problem)))

    for folder in folders_below(output, note_folder):
        remarks.extend(_remarks(folder))
        for result in folder.results:
            verification.results += 1
            if result.companion is not None:
                made_with[_weights_of(result.companion)] += 1
            fault = _check(result) or _check_against_others(result, sound)
            if fault is None and archive is not None and result.night is not None:
                fault = _check_data(result, result.night, archive)
            if result.night is not None and (fault is None or fault.kind == "stale"):
                sound.setdefault(result.night, result.csv_file)
            if fault is not None:
                verification.faults.append(fault)
    verification.weights = _by_name(made_with)
    if verification.results:
        verification.remarks = remarks
    verification.faults.extend(_mixed(output, made_with))
    if archive is not None and sound:
        named = {fault.file for fault in verification.faults}
        verification.faults.extend(fault for fault in _missing(output, archive, set(sound)) if fault.file not in named)
    return verification


def _check_against_others(result: Result, sound: dict[CameraNight, Path]) -> Fault | None:
    """Find a second result of a camera-night, which a change of its name may have left."""
    other = sound.get(result.night) if result.night else None
    if other is None:
        return None
    return Fault("damaged", str(result.csv_file), f"{result.night} has another result: {other}")


def _remarks(folder: ResultFolder) -> Iterator[str]:
    for what, names in (
        ("hidden, of a run at work or one that was killed", [name for name in folder.others if name.startswith(".")]),
        ("no result", [name for name in folder.others if not name.startswith(".")]),
    ):
        if names:
            some = ", ".join(names[:NAMED_IN_REMARK]) + (", ..." if len(names) > NAMED_IN_REMARK else "")
            yield f"{folder.path}: {counted(len(names), 'file')} {what}: {some}"


def _check(result: Result) -> Fault | None:
    """Check a CSV against its companion."""

    def fault(kind: str, reason: str) -> Fault:
        return Fault(kind, str(result.csv_file), reason)

    if not os.path.lexists(companion_path(result.csv_file)):
        return fault("missing", "it has no companion")
    if not os.path.lexists(result.csv_file):
        return fault("missing", "CSV missing, companion exists")
    companion = result.companion
    if companion is None:
        return fault("damaged", "its companion is damaged, or of another version")
    try:
        if not result.is_whole():
            return fault("damaged", "checksum differs from its companion's")
        complaint = _check_rows(result, companion)
    except ResultsError as error:
        return fault("damaged", str(error))
    if complaint:
        return fault("damaged", complaint)
    reason = result.why_stale({})
    return fault("stale", reason) if reason else None


def _check_rows(result: Result, companion: Companion) -> str:
    """Say what the rows of a CSV contradict, if anything."""
    rows, night = result.rows, result.night
    if len(rows) != companion.rows:
        return f"{counted(len(rows), 'row')} where its companion says {companion.rows}"
    if night is None or result.csv_file.name not in result.names:
        return f"its companion belongs to {companion.camera_night}"
    if result.csv_file.resolve().parent.parts[-3:] != tuple(f"{night.date:%Y/%m/%d}".split("/")):
        return f"it lies in another folder than that of {night.date}"
    if len(rows) == 0:
        return ""
    numbers = rows["prediction"].astype(int)
    if numbers.max() >= len(companion.classes):
        return f"a prediction of {numbers.max()}, but there are {counted(len(companion.classes), 'class', 'classes')}"
    if (np.array(companion.classes)[numbers] != rows["prediction_str"]).any():
        return "a prediction whose name is that of another number"
    if (np.diff(rows["time"]) <= np.timedelta64(0, "s")).any():
        return "its rows are not in time order, or a second is there twice"
    if (rows["time"].astype("datetime64[D]") != np.datetime64(night.date)).any():
        return f"a row of another date than {night.date}"
    counts = Counter(rows["prediction_str"].tolist())
    if any(counts[name] != companion.counts.get(name, 0) for name in {*counts, *companion.counts}):
        return "other counts of the classes than its companion says"
    return ""


def _weights_of(companion: Companion) -> tuple[str, str, str, str]:
    return companion.weights_identity, companion.weights_sha256, companion.weights_name, companion.weights_kind


def _by_name(made_with: Counter[tuple[str, str, str, str]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for (_, _, name, kind), count in made_with.items():
        counts[f"{name} ({kind})"] += count
    return dict(counts.most_common())


def _mixed(output: Path, made_with: Counter[tuple[str, str, str, str]]) -> Iterator[Fault]:
    """Say where results of several weights lie in one tree; companions of version 0.1 know the file's hash only."""
    identities = {sha256: identity for identity, sha256, _, _ in made_with if identity}
    several = {identity or identities.get(sha256, sha256) for identity, sha256, _, _ in made_with}
    if len(several) > 1:
        listed = ", ".join(f"{count} of {name}" for name, count in _by_name(made_with).items())
        yield Fault("mixed", str(output), f"results of {len(several)} weights: {listed}")


def _check_data(result: Result, night: CameraNight, archive: Path) -> Fault | None:
    """Check a CSV against the minute files it was made from."""
    try:
        listing = list_minute_files(replace(night, folder=folder_in(archive, night)))
    except ArchiveError as error:
        return Fault("stale", str(result.csv_file), str(error))
    reason = result.why_stale({"fingerprint": listing.fingerprint})
    if any(problem.may_pass for problem in listing.problems):
        reason = reason or UNREAD
    return Fault("stale", str(result.csv_file), reason) if reason else None


def _missing(output: Path, archive: Path, done: set[CameraNight]) -> Iterator[Fault]:
    names = {str(night) for night in done}
    days = [night.date for night in done]
    problems: list[Problem] = []
    for night in camera_nights(archive, min(days), max(days), {night.site for night in done}, problems.append):
        if str(night) not in names:
            yield Fault("missing", str(csv_path(output, night)), f"the archive has {night}")
    for problem in problems:
        yield Fault("missing", problem.file, problem.reason)
