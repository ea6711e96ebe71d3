"""The minute files of a camera-night: which there are, in what order, and what lies beside them."""

import errno
import hashlib
import logging
import os
import re
import stat
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

from aurorapt.archive.camera_nights import CameraNight, Problem
from aurorapt.archive.flat_archive import minute_names
from aurorapt.archive.names import MINUTE_FILE
from aurorapt.errors import ArchiveError, counted, one_line

log = logging.getLogger(__name__)

_ENDING = re.compile(r"\.[a-z][a-z0-9]*", re.IGNORECASE | re.ASCII)
NAMED_IN_LOG = 3  # of the files that are skipped because of their names


@dataclass(frozen=True)
class MinuteFile:
    """One minute of one camera, and its twins: the same minute in other compressions, to fall back on."""

    path: Path
    twins: tuple[Path, ...] = ()


@dataclass
class NightListing:
    """What one camera folder holds: minute files in time order, and what could not be listed.

    ``fingerprint`` is the SHA-256 over relative path, size and modification time of all the files.
    """

    minute_files: list[MinuteFile] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    file_count: int = 0
    size_bytes: int = 0
    fingerprint: str = ""


def list_minute_files(night: CameraNight) -> NightListing:
    """List the minute files of a camera-night, at any depth below its folder, or side by side in that of its site.

    A file counts by its name, which is that of a minute of whole frames; what is hidden does not count, and what is
    skipped is counted in the log. The same minute in several compressions is one minute file; a checksummed copy is
    tried first.

    Raises
    ------
    ArchiveError
        If the camera folder itself cannot be listed.
    """
    listing = NightListing()
    lines: list[str] = []
    copies: dict[str, list[Path]] = {}
    others: list[str] = []
    for entry in _flat_entries(night) if night.is_flat else _walk(night.folder, listing.problems):
        match = MINUTE_FILE.fullmatch(entry.name)
        if match is None:
            if not entry.name.startswith("."):
                others.append(entry.path)
            continue
        status = _status(entry, listing.problems)
        if status is None:
            continue
        relative = os.path.relpath(entry.path, night.folder)
        lines.append(f"{relative}\0{status.st_size}\0{status.st_mtime_ns}\n")
        listing.size_bytes += status.st_size
        copies.setdefault(match["name"].lower(), []).append(Path(entry.path))
    _report_others(night, others, listing, nothing_else=not lines)
    for name in _of_this_camera(night, copies, listing.problems):
        listing.minute_files.append(minute_of_copies(copies[name]))
    listing.file_count = len(lines)
    content = "".join(sorted(lines)).encode("utf-8", "surrogateescape")
    listing.fingerprint = hashlib.sha256(content).hexdigest()
    return listing


def minute_of_copies(paths: Iterable[Path]) -> MinuteFile:
    """Make the files of one minute one minute file; a checksummed copy is tried first."""
    first, *twins = sorted(paths, key=lambda path: (path.suffix.lower() == ".pgm", path))
    return MinuteFile(first, tuple(twins))


class _FlatEntry:
    """A file known by its name, with what is asked of an entry that `os.scandir` gives."""

    def __init__(self, path: Path) -> None:
        self.name, self.path = path.name, str(path)
        self.stat, self.is_symlink = path.stat, path.is_symlink


Entry: TypeAlias = "os.DirEntry[str] | _FlatEntry"


def _flat_entries(night: CameraNight) -> Iterator[_FlatEntry]:
    """Yield the files of a camera-night among those of its site.

    Raises
    ------
    ArchiveError
        If their folder cannot be listed.
    """
    try:
        names = minute_names(night.folder, night.date, night.camera.lower())
    except OSError as error:
        raise ArchiveError(f"cannot list {night.folder}: {error.strerror}") from None
    for name in names:
        yield _FlatEntry(night.folder / name)


def _status(entry: Entry, problems: list[Problem]) -> os.stat_result | None:
    """Look at a file; anything but a plain one is a problem."""
    try:
        status = entry.stat()
    except OSError as error:
        may_pass = not _is_broken_link(entry, error)
        problems.append(Problem(entry.path, f"cannot be read: {error.strerror}", may_pass))
        return None
    if not stat.S_ISREG(status.st_mode):
        problems.append(Problem(entry.path, "named like a minute file, but not a file"))
        return None
    return status


def _of_this_camera(night: CameraNight, copies: dict[str, list[Path]], problems: list[Problem]) -> Iterator[str]:
    """Yield the names of the minutes in order; of one of several imagers, that which the folder is named after."""
    minutes: dict[str, dict[str, list[str]]] = {}
    for name in sorted(copies):
        match = MINUTE_FILE.fullmatch(f"{name}.pgm")
        assert match is not None
        minutes.setdefault(match["minute"], {}).setdefault(match["camera"], []).append(name)
    for cameras in minutes.values():
        own = night.camera.lower()
        if len(cameras) == 1:
            yield from next(iter(cameras.values()))
            continue
        yield from cameras.get(own, ())
        kept = f"only that of {own} is read" if own in cameras else "none is read"
        (first, *_), *_ = (names for camera, names in cameras.items() if camera != own)
        reason = f"the folder holds this minute of {' and of '.join(cameras)}; {kept}"
        problems.append(Problem(str(copies[first][0]), reason))


def _report_others(night: CameraNight, others: list[str], listing: NightListing, nothing_else: bool) -> None:
    """Count what is skipped because of its name, one line a folder; a camera folder with nothing else is a problem."""
    folders: dict[str, list[str]] = {}
    for path in sorted(others):
        folder, name = os.path.split(path)
        folders.setdefault(folder, []).append(name)
    for folder, names in folders.items():
        some = ", ".join(names[:NAMED_IN_LOG]) + (", ..." if len(names) > NAMED_IN_LOG else "")
        log.warning("%s", one_line(f"{folder}: skipped, by name no minute file: {counted(len(names), 'file')}, {some}"))
    if others and nothing_else and not listing.problems:
        endings = Counter("".join(_ENDING.findall(Path(path).name)) or "without an ending" for path in others)
        held = ", ".join(f"{count} {ending}" for ending, count in endings.most_common())
        reason = (
            f"holds {counted(len(others), 'file')} ({held}), but no minute file (..._full.pgm, .pgm.gz or .pgm.bz2)"
        )
        listing.problems.append(Problem(str(night.folder), one_line(reason)))


def _walk(top: Path, problems: list[Problem]) -> Iterator["os.DirEntry[str]"]:
    """Yield the files below ``top``, links followed, each folder entered once; folders named like minute files too."""
    entered: set[tuple[int, int]] = set()
    folders = [str(top)]
    while folders:
        folder = folders.pop()
        try:
            status = Path(folder).stat()
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name, reverse=True)
        except OSError as error:
            if folder == str(top):
                raise ArchiveError(f"cannot list {folder}: {error.strerror}") from None
            problems.append(Problem(folder, f"cannot list the folder: {error.strerror}", may_pass=True))
            continue
        if (status.st_dev, status.st_ino) in entered:
            problems.append(Problem(folder, "a link to a folder already read, skipped"))
            continue
        entered.add((status.st_dev, status.st_ino))
        for entry in entries:
            try:
                is_folder = entry.is_dir()
            except OSError as error:
                if not _is_broken_link(entry, error):
                    problems.append(Problem(entry.path, f"cannot be read: {error.strerror}", may_pass=True))
                    continue
                is_folder = False
            if not is_folder or MINUTE_FILE.fullmatch(entry.name):
                yield entry
            elif not entry.name.startswith("."):
                folders.append(entry.path)


def _is_broken_link(entry: Entry, error: OSError) -> bool:
    """Whether it is no use to look again: a link that is mended changes the fingerprint."""
    return error.errno in (errno.ENOENT, errno.ELOOP) and entry.is_symlink()
