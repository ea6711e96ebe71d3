"""A tree of results checked: every CSV against its companion, and against the archive it was made from."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from aurorapt.archive.camera_nights import CameraNight, Problem, camera_nights, list_minute_files
from aurorapt.errors import ArchiveError, ResultsError
from aurorapt.results.classifications import csv_path
from aurorapt.results.companion import companion_path
from aurorapt.results.tree import Result, results_below


@dataclass(frozen=True)
class Fault:
    """What is wrong with a result: ``kind`` is missing, damaged or stale, ``file`` the CSV."""

    kind: str
    file: str
    reason: str


@dataclass
class Verification:
    """What a check found: how many results there are, and the faults, one at most for each."""

    results: int = 0
    faults: list[Fault] = field(default_factory=list)


def verify(output: Path, archive: Path | None = None) -> Verification:
    """Check all results below a folder.

    Parameters
    ----------
    output : folder for the results of `aurorapt.classify`
    archive : folder that holds the years, as `find_archive` gives it; where given, results whose
        minute files have changed are stale, and the camera-nights of the sites and the range of dates that have
        results are missing where they have none

    Raises
    ------
    ResultsError
        If a folder of results cannot be listed.
    ArchiveError
        If the archive cannot be listed.
    """
    verification = Verification()
    done: set[CameraNight] = set()
    for result in results_below(output):
        verification.results += 1
        fault = _check(result)
        if result.night is not None:
            done.add(result.night)
            if fault is None and archive is not None:
                fault = _check_data(result, result.night, archive)
        if fault is not None:
            verification.faults.append(fault)
    if archive is not None and done:
        verification.faults.extend(_missing(output, archive, done))
    return verification


def _check(result: Result) -> Fault | None:
    """Check a CSV against its companion."""

    def fault(kind: str, reason: str) -> Fault:
        return Fault(kind, str(result.csv_file), reason)

    if not companion_path(result.csv_file).exists():
        return fault("missing", "it has no companion")
    if not result.csv_file.exists():
        return fault("missing", "CSV missing, companion exists")
    companion = result.companion
    if companion is None:
        return fault("damaged", "its companion is damaged, or of another version")
    try:
        if not result.is_whole():
            return fault("damaged", "checksum differs from its companion's")
        rows = len(result.rows)
    except ResultsError as error:
        return fault("damaged", str(error))
    if not rows == companion.rows == sum(companion.counts.values()):
        return fault("damaged", f"{rows} rows where its companion says {companion.rows}")
    if result.csv_file.name not in result.names:
        return fault("damaged", f"its companion belongs to {companion.camera_night}")
    reason = result.why_stale({})
    return fault("stale", reason) if reason else None


def _check_data(result: Result, night: CameraNight, archive: Path) -> Fault | None:
    """Check a CSV against the minute files it was made from."""
    try:
        listing = list_minute_files(replace(night, folder=archive / f"{night.date:%Y/%m/%d}" / night.folder))
    except ArchiveError as error:
        return Fault("stale", str(result.csv_file), str(error))
    reason = result.why_stale({"fingerprint": listing.fingerprint})
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
