"""asilib's copy of the archive: ``images/SITE/``, in which the minute files of a site lie side by side, of all dates.

A folder may hold millions of files, and is listed once for all its dates, and again only after it has changed.
"""

import logging
import os
import re
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from time import time_ns

from aurorapt.archive.names import MINUTE_FILE, YEAR
from aurorapt.errors import counted, one_line

log = logging.getLogger(__name__)

IMAGES = ("images", "themis/images")  # from asilib's own folders to the one that holds the sites
SITE_FOLDER = re.compile(r"(?!\d{4}$)[a-z0-9]+", re.ASCII)
NAMED_IN_LOG = 3  # of the files that are skipped because of their names
SETTLED_AFTER = 2_000_000_000  # ns after its last change that a folder's time is sure to tell of the next one


@dataclass(frozen=True)
class FlatFolder:
    """What the folder of a site holds.

    ``names`` : of the minute files by date, YYYYMMDD, and camera, such as gill_themis19; joined with slashes, as that
        takes a third of the memory
    ``others`` : how many files are no minutes by their names, and some of these
    ``strangers`` : how many are minutes of other sites, and some of these
    """

    names: dict[tuple[str, str], str]
    others: tuple[int, list[str]]
    strangers: tuple[int, list[str]]


def flat_archive_in(folder: Path) -> Path | None:
    """Find the folder of the sites: this one, or in it ``images`` or ``themis/images``; None where there is none."""
    for candidate in (folder, *(folder / images for images in IMAGES)):
        if any(is_site_folder(path) for path in _folders_in(candidate)):
            return candidate
    return None


def is_flat(archive: Path) -> bool:
    """Whether an archive is such a folder of sites; one that holds years is none."""
    folders = _folders_in(archive)
    return not any(YEAR.fullmatch(path.name) for path in folders) and any(map(is_site_folder, folders))


def is_site_folder(folder: Path) -> bool:
    """Whether minute files of a site lie right in a folder that is named after it."""
    if not SITE_FOLDER.fullmatch(folder.name):
        return False
    try:
        with os.scandir(folder) as entries:
            return any(_is_own(folder, entry.name) for entry in entries)
    except OSError:
        return False


def minute_names(folder: Path, day: date, camera: str) -> list[str]:
    """Give the names of the minute files of one camera-night in the folder of its site.

    Parameters
    ----------
    camera : in lower case, such as gill_themis19

    Raises
    ------
    OSError
        If the folder cannot be listed.
    """
    joined = _listed(folder).names.get((f"{day:%Y%m%d}", camera))
    return joined.split("/") if joined else []


class FlatArchive:
    """The folders of the sites, each listed once.

    Parameters
    ----------
    archive : the folder that holds a folder for each site

    Attributes
    ----------
    cameras : site, device and folder of each camera of a date, YYYYMMDD, in the order of the cameras' names
    """

    def __init__(self, archive: Path) -> None:
        self.cameras: dict[str, list[tuple[str, str, Path]]] = {}
        self._folders: list[tuple[Path, FlatFolder]] = []
        self._unusable: list[tuple[Path, OSError | None]] = []
        for path in _folders_in(archive):
            if not SITE_FOLDER.fullmatch(path.name):
                self._unusable.append((path, None))
                continue
            try:
                found = _listed(path)
            except OSError as error:
                self._unusable.append((path, error))
                continue
            self._folders.append((path, found))
            for day, camera in sorted(found.names):
                self.cameras.setdefault(day, []).append((path.name, camera.partition("_")[2], path))

    def tell(self, on_problem: Callable[[Path, str], None]) -> None:
        """Tell what is no minute of its site: in the log, or as a problem, with the folder and the reason."""
        for path, error in self._unusable:
            if error is None:
                log.warning("%s: not the folder of a site, skipped", path)
            else:
                on_problem(path, f"cannot list the folder: {error.strerror}")
        for path, found in self._folders:
            if found.others[0]:
                log.warning("%s", one_line(f"{path}: skipped, by name no minute file: {_told(found.others)}"))
            if found.strangers[0]:
                on_problem(path, f"minutes of other sites are not read here: {_told(found.strangers)}")

    def count(self, start: date, end: date, sites: Collection[str] = ()) -> int:
        """Count the camera-nights of a range."""
        return sum(
            not sites or site in sites
            for day, cameras in self.cameras.items()
            if f"{start:%Y%m%d}" <= day <= f"{end:%Y%m%d}"
            for site, _, _ in cameras
        )


def _told(files: tuple[int, list[str]]) -> str:
    count, some = files
    return f"{counted(count, 'file')}, {', '.join(some)}{', ...' if count > len(some) else ''}"


_known: dict[Path, tuple[tuple[int, int], FlatFolder]] = {}
_listing = threading.Lock()


def _listed(folder: Path) -> FlatFolder:
    """List the folder of a site, unless that has been done and it has not changed since.

    Raises
    ------
    OSError
        If it cannot be listed.
    """
    with _listing:
        status = folder.stat()
        identity = (status.st_ino, status.st_mtime_ns)
        if folder in _known and _known[folder][0] == identity:
            return _known[folder][1]
        now = time_ns()
        found = _list(folder)
        if now - status.st_mtime_ns > SETTLED_AFTER:
            _known[folder] = (identity, found)
        return found


def _list(folder: Path) -> FlatFolder:
    names: dict[tuple[str, str], list[str]] = {}
    others: list[str] = []
    strangers: list[str] = []
    own = f"{folder.name}_"
    for name in sorted(os.listdir(folder)):
        match = MINUTE_FILE.fullmatch(name)
        camera = match["camera"].lower() if match else ""
        day = match["minute"][:8] if match else ""
        if camera.startswith(own) and ((day, camera) in names or _is_date(day)):
            names.setdefault((day, camera), []).append(name)
        elif match and _is_date(day):
            strangers.append(name)
        elif not name.startswith("."):
            others.append(name)
    joined = {key: "/".join(found) for key, found in names.items()}
    return FlatFolder(joined, (len(others), others[:NAMED_IN_LOG]), (len(strangers), strangers[:NAMED_IN_LOG]))


def _is_date(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y%m%d")
    except ValueError:
        return False
    return True


def _is_own(folder: Path, name: str) -> bool:
    match = MINUTE_FILE.fullmatch(name)
    return match is not None and match["camera"].lower().startswith(f"{folder.name}_")


def _folders_in(folder: Path) -> list[Path]:
    """Give the folders in a folder by name, links to folders too; none where it cannot be listed."""
    try:
        with os.scandir(folder) as entries:
            return [Path(entry.path) for entry in sorted(entries, key=lambda entry: entry.name) if _is_folder(entry)]
    except OSError:
        return []


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # such as a link to itself
        return False
