"""A tree of results checked: every CSV against its companion, and against the archive it was made from."""

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

from aurorapt.archive import CameraNight, Problem, camera_nights, list_minute_files
from aurorapt.companion import Companion, companion_path, read_companion, why_stale
from aurorapt.errors import ArchiveError, ResultsError
from aurorapt.results import csv_path, read_classifications

RESULT = re.compile(r"(?P<name>[^.].*_classifications)\.(?:txt|json)")
CAMERA_NIGHT = re.compile(r"(\d{8}) (\S+)", re.ASCII)


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
    archive : folder that holds the years, as `aurorapt.archive.find_archive` gives it; where given, results whose
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
    for csv_file in _csv_files(output):
        verification.results += 1
        fault = _check(csv_file)
        night = _night_of(csv_file)
        if night is not None:
            done.add(night)
            if fault is None and archive is not None:
                fault = _check_data(csv_file, night, archive)
        if fault is not None:
            verification.faults.append(fault)
    if archive is not None and done:
        verification.faults.extend(_missing(output, archive, done))
    return verification


def _csv_files(output: Path) -> Iterator[Path]:
    """CSV files that are there, or whose companion is."""

    def refuse(error: OSError) -> None:
        raise ResultsError(f"cannot list {error.filename}: {error.strerror}") from None

    for folder, folders, names in os.walk(output, onerror=refuse):
        folders.sort()
        matches = filter(None, map(RESULT.fullmatch, names))
        for name in sorted({match["name"] for match in matches}):
            yield Path(folder, f"{name}.txt")


def _check(csv_file: Path) -> Fault | None:
    """Check a CSV against its companion."""

    def fault(kind: str, reason: str) -> Fault:
        return Fault(kind, str(csv_file), reason)

    if not companion_path(csv_file).exists():
        return fault("missing", "it has no companion")
    if not csv_file.exists():
        return fault("missing", "there is its companion only")
    companion = read_companion(csv_file)
    if companion is None:
        return fault("damaged", "its companion is damaged, or of another version")
    try:
        if hashlib.sha256(csv_file.read_bytes()).hexdigest() != companion.csv_sha256:
            return fault("damaged", "its content is not what its companion was written for")
        rows = len(read_classifications(csv_file))
    except OSError as error:
        return fault("damaged", f"cannot be read: {error.strerror}")
    except ResultsError as error:
        return fault("damaged", str(error))
    if not rows == companion.rows == sum(companion.counts.values()):
        return fault("damaged", f"{rows} rows where its companion says {companion.rows}")
    night = _parse_night(companion)
    names = [csv_path(Path(), replace(night, shares_site=shares)).name for shares in (False, True)] if night else []
    if csv_file.name not in names:
        return fault("damaged", f"its companion is that of {companion.camera_night}")
    reason = why_stale(csv_file, {})
    return fault("stale", reason) if reason else None


def _night_of(csv_file: Path) -> CameraNight | None:
    companion = read_companion(csv_file)
    return _parse_night(companion) if companion else None


def _parse_night(companion: Companion) -> CameraNight | None:
    match = CAMERA_NIGHT.fullmatch(companion.camera_night)
    if match is None:
        return None
    try:
        day = datetime.strptime(match[1], "%Y%m%d").date()
    except ValueError:
        return None
    site, _, device = match[2].lower().partition("_")
    return CameraNight(day, site, device, Path(match[2]))


def _check_data(csv_file: Path, night: CameraNight, archive: Path) -> Fault | None:
    """Check a CSV against the minute files it was made from."""
    try:
        listing = list_minute_files(replace(night, folder=archive / f"{night.date:%Y/%m/%d}" / night.folder))
    except ArchiveError as error:
        return Fault("stale", str(csv_file), str(error))
    reason = why_stale(csv_file, {"fingerprint": listing.fingerprint})
    return Fault("stale", str(csv_file), reason) if reason else None


def _missing(output: Path, archive: Path, done: set[CameraNight]) -> Iterator[Fault]:
    names = {str(night) for night in done}
    days = [night.date for night in done]
    problems: list[Problem] = []
    for night in camera_nights(archive, min(days), max(days), {night.site for night in done}, problems.append):
        if str(night) not in names:
            yield Fault("missing", str(csv_path(output, night)), f"the archive has {night}")
    for problem in problems:
        yield Fault("missing", problem.file, problem.reason)
