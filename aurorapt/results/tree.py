"""Results on disk: a tree of them walked in order, and what each says, read once."""

import hashlib
import os
import re
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurorapt.archive.camera_nights import CameraNight
from aurorapt.errors import ResultsError
from aurorapt.machine.plain_files import read_plain
from aurorapt.results.classifications import LARGEST_CSV, csv_path, parse_classifications
from aurorapt.results.companion import Companion, companion_path, read_companion

RESULT = re.compile(r"(?P<name>[^.].*_classifications)\.(?:txt|json)")
CAMERA_NIGHT = re.compile(r"(\d{8}) (\S+)", re.ASCII)
NOT_DONE = "not done yet"
WEIGHTS_CHANGED = "weights changed"
UNREAD = "files that could not be read"  # they may be readable now
# why else a result is not current, by the field of its companion that says otherwise
STALE_REASONS = {
    "precision": "precision changed",
    "salvage": "--salvage changed",
    "camera_night": "camera folder changed",
    "fingerprint": "data changed",
}


class Result:
    """A camera-night's CSV and its companion, each read at most once, when first asked for.

    Parameters
    ----------
    csv_file : where the CSV is, or would be
    """

    def __init__(self, csv_file: Path) -> None:
        self.csv_file = csv_file

    @cached_property
    def companion(self) -> Companion | None:
        """The companion, or None where it is missing, not one, or of another format."""
        return read_companion(self.csv_file)

    @cached_property
    def content(self) -> bytes:
        """Bytes of the CSV.

        Raises
        ------
        ResultsError
            If it cannot be read.
        """
        try:
            return read_plain(self.csv_file, LARGEST_CSV)
        except OSError as error:
            raise ResultsError(f"cannot read {self.csv_file}: {error.strerror}") from None

    @cached_property
    def rows(self) -> NDArray[np.void]:
        """Rows of the CSV, as `aurorapt.read_rows` gives them.

        Raises
        ------
        ResultsError
            If it cannot be read or a line is not a classification.
        """
        return parse_classifications(self.content, self.csv_file)

    @cached_property
    def night(self) -> CameraNight | None:
        """The camera-night that the companion names; its folder is the name of the camera folder alone."""
        match = CAMERA_NIGHT.fullmatch(self.companion.camera_night) if self.companion else None
        if match is None:
            return None
        try:
            day = datetime.strptime(match[1], "%Y%m%d").date()
        except ValueError:
            return None
        site, _, device = match[2].lower().partition("_")
        return CameraNight(day, site, device, Path(match[2]))

    @property
    def names(self) -> set[str]:
        """Names that the CSV of its camera-night may have."""
        night = self.night
        return (
            {csv_path(Path(), replace(night, shares_site=shares)).name for shares in (False, True)} if night else set()
        )

    def is_there(self) -> bool:
        """Whether the CSV or the companion stands under its name, be it as something else than a file."""
        return os.path.lexists(self.csv_file) or os.path.lexists(companion_path(self.csv_file))

    def is_whole(self) -> bool:
        """Tell whether the CSV is the one that its companion was written for."""
        companion = self.companion
        return companion is not None and hashlib.sha256(self.content).hexdigest() == companion.csv_sha256

    def why_stale(self, wanted: Mapping[str, Any]) -> str | None:
        """Say why a camera-night is to be done, or done anew; None where its CSV is current.

        Parameters
        ----------
        wanted : what its companion must say, by field: of ``STALE_REASONS``, ``weights_identity`` and
            ``weights_sha256``, all that the caller knows

        Returns
        -------
        `NOT_DONE`, `WEIGHTS_CHANGED`, one of ``STALE_REASONS``, or another reason
        """
        companion = self.companion
        if companion is None:
            return "damaged" if self.is_there() else NOT_DONE
        if "weights_identity" in wanted and not companion.is_of(wanted["weights_identity"], wanted["weights_sha256"]):
            return WEIGHTS_CHANGED
        for name, reason in STALE_REASONS.items():
            if name in wanted and getattr(companion, name) != wanted[name]:
                return reason
        if any(problem["may_pass"] for problem in companion.problems):
            return UNREAD
        try:
            return None if self.is_whole() else "damaged"
        except ResultsError:
            return "damaged"


@dataclass
class ResultFolder:
    """One folder of a tree of results.

    ``results`` : those whose CSV is there, or whose companion is, in the order of their names
    ``others`` : names of other files
    """

    path: Path
    results: list[Result]
    others: list[str]


def folders_below(top: Path, on_problem: Callable[[ResultsError], None]) -> Iterator[ResultFolder]:
    """Walk a tree of results in the order of its paths; links are followed, and each folder is entered once.

    Parameters
    ----------
    on_problem : called with each folder that cannot be listed

    Raises
    ------
    ResultsError
        If the top itself cannot be listed.
    """
    entered: set[tuple[int, int]] = set()
    folders, linked = [top], deque[Path]()
    while folders or linked:
        folder = folders.pop() if folders else linked.popleft()  # under its own name, rather than that of a link
        try:
            status = folder.stat()
            if (status.st_dev, status.st_ino) in entered:
                continue
            entered.add((status.st_dev, status.st_ino))
            with os.scandir(folder) as entries:
                is_folder = {entry.name: _is_folder(entry) for entry in entries}
        except OSError as error:
            problem = ResultsError(f"cannot list {folder}: {error.strerror}")
            if folder == top:
                raise problem from None
            on_problem(problem)
            continue
        names = sorted(name for name in is_folder if not is_folder[name])
        matches = {name: match["name"] for name in names if (match := RESULT.fullmatch(name))}
        results = [Result(folder / f"{name}.txt") for name in sorted(set(matches.values()))]
        yield ResultFolder(folder, results, [name for name in names if name not in matches])
        inner = [folder / name for name in sorted(is_folder) if is_folder[name]]
        linked.extend(path for path in inner if path.is_symlink())
        folders.extend(path for path in reversed(inner) if not path.is_symlink())


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # such as a link to itself
        return False


def results_below(top: Path) -> Iterator[Result]:
    """Walk a tree of results, in the order of its paths.

    Raises
    ------
    ResultsError
        If a folder cannot be listed.
    """

    def refuse(problem: ResultsError) -> None:
        raise problem

    for folder in folders_below(top, refuse):
        yield from folder.results
