"""Minute files from the University of Calgary's server into an archive, each whole or not at all.

Nothing is trusted because of its name: what is there already is unpacked, and fetched again where that fails.
"""

import errno
import os
import queue
import shutil
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date, timedelta
from pathlib import Path
from time import monotonic
from typing import Any

from aurorapt.archive.calgary_server import SERVER, CalgaryServer, RemoteMinute, ServerError
from aurorapt.archive.camera_nights import Problem, find_archive
from aurorapt.archive.flat_archive import is_flat
from aurorapt.archive.minute_file import fault_of
from aurorapt.archive.names import DOWNLOAD_FOLDER, YEAR
from aurorapt.archive.packed_file import MINUTE_BYTES_LIMIT
from aurorapt.errors import ArchiveError, AuroraptError, DownloadError, OptionError, OutputFullError
from aurorapt.machine.plain_files import read_plain
from aurorapt.machine.whole_files import DISK_IS_FULL, write_whole

MEAN_BYTES = 2_100_000  # of a minute file
RESERVE_BYTES = 100_000_000  # which are left free, as a disk that is full to the last byte harms others
FAILURES_IN_A_ROW = 10  # files after which a server is given up
END_WRITING_WITHIN = 1.5  # seconds


@dataclass
class DownloadSummary:
    """What a download did.

    ``files`` are the minute files that the server has in the range; of these ``fetched`` have been brought, ``present``
    were there whole, and ``failed`` could not be had, for the reasons in ``problems``. ``replaced``, of the fetched
    ones, were there damaged. ``bytes`` are those fetched.
    """

    archive: str = ""
    files: int = 0
    fetched: int = 0
    replaced: int = 0
    present: int = 0
    failed: int = 0
    bytes: int = 0
    seconds: float = 0.0
    problems: list[dict[str, Any]] = field(default_factory=list)

    @property
    def succeeded(self) -> bool:
        """Whether the server has files in the range, and all of them are here."""
        return self.files > 0 and self.failed == 0


@dataclass
class _Outcome:
    """What became of a file: ``fetched`` bytes, or None where it was there, or the ``error`` that it failed with."""

    minute: RemoteMinute
    fetched: int | None = None
    replaced: bool = False
    error: Exception | None = None


def archive_in(output: Path) -> Path:
    """Choose the folder for the years: ``THEMIS_ASI_RAW`` in a download root, unless the folder has years already.

    Raises
    ------
    ArchiveError
        If the folder cannot be used, or is a year of an archive.
    """
    if output.name == DOWNLOAD_FOLDER or not output.exists():
        return output if output.name == DOWNLOAD_FOLDER else output / DOWNLOAD_FOLDER
    found = find_archive(output)
    if is_flat(found):
        raise ArchiveError(f"{output} is asilib's, whose files lie otherwise; name another folder for the download")
    if found == output and YEAR.fullmatch(output.resolve().name) and any(output.glob("[01][0-9]/[0-3][0-9]")):
        raise ArchiveError(
            f"{output} is a year of an archive; name the folder that holds the years: {output.resolve().parent}"
        )
    has_years = any(YEAR.fullmatch(name) for name in os.listdir(found))
    return found if found != output or has_years else output / DOWNLOAD_FOLDER


def download(
    start: date,
    end: date,
    output: Path,
    sites: Sequence[str] = (),
    parallel: int = 5,
    summary: DownloadSummary | None = None,
    on_progress: Callable[[date, float, DownloadSummary], None] = lambda day, share, summary: None,
    server: str = SERVER,
) -> DownloadSummary:
    """Bring the minute files of a date range that are not there yet, or not whole.

    Parameters
    ----------
    start, end : first and last UT date, both included
    output : download root, in which ``THEMIS_ASI_RAW`` is made, or an archive, which is added to
    sites : site names, lower case; all sites where empty
    parallel : files fetched at the same time
    summary : filled in while the download goes on, so that it tells what was done also where an error ends it
    on_progress : called after each file and date, with the date and the share of it that is done, 0 to 1
    server : URL of the API

    Raises
    ------
    OptionError
        If the server knows no such site, or PyUCalgarySRS is not installed.
    DownloadError
        If the server cannot be reached, or file after file cannot be had.
    OutputFullError
        If the disk has not the room; what was fetched stands.
    ArchiveError
        If the folder cannot be used.
    """
    started = monotonic()
    summary = DownloadSummary() if summary is None else summary
    archive = archive_in(output)
    summary.archive = str(archive)
    with _Workers(archive, parallel, server) as workers:
        _check_sites(workers.server, sites)
        failures = 0
        for day in _days(start, end):
            minutes = [minute for site in sites or (None,) for minute in workers.server.minutes(day, site)]
            summary.files += len(minutes)
            _check_room(archive, minutes)
            for done, outcome in enumerate(workers.bring(minutes), 1):
                failures = failures + 1 if outcome.error else 0
                _count(outcome, archive, summary)
                if failures >= FAILURES_IN_A_ROW:
                    last = f"{archive / outcome.minute.path}: {outcome.error}"
                    raise DownloadError(f"{failures} files in a row could not be had; the last: {last}")
                summary.seconds = round(monotonic() - started, 3)
                on_progress(day, done / len(minutes), summary)
            on_progress(day, 1, summary)
    return summary


def _days(start: date, end: date) -> Iterator[date]:
    for number in range((end - start).days + 1):
        yield start + timedelta(days=number)


def _check_sites(server: CalgaryServer, sites: Sequence[str]) -> None:
    if sites:
        known = server.sites()
        for site in sites:
            if site not in known:
                raise OptionError(f"--site {site}: {server.host} has no THEMIS camera there; give {', '.join(known)}")


def _check_room(archive: Path, minutes: Sequence[RemoteMinute]) -> None:
    """Look whether a date will fit before its first file is fetched."""
    if not minutes:
        return
    missing = sum(not (archive / minute.path).exists() for minute in minutes)
    room = _free_bytes((archive / minutes[0].path).parent) - RESERVE_BYTES
    if missing and missing * MEAN_BYTES > room:
        day = "-".join(minutes[0].path.split("/")[:3])
        raise OutputFullError(
            f"{archive} has room for {max(room, 0) / 1e9:.1f} GB, and {day} takes {missing * MEAN_BYTES / 1e9:.1f} GB; "
            "make room, and the same command goes on"
        )


def _free_bytes(folder: Path) -> int:
    """Say how much fits where a folder is, or will be.

    Raises
    ------
    ArchiveError
        If a file stands where that folder, or one that it lies in, has to be.
    """
    while not folder.exists():
        folder = folder.parent
    if not folder.is_dir():
        raise ArchiveError(f"{folder} is a file where a folder has to be; name another folder for the download")
    return shutil.disk_usage(folder).free


def _count(outcome: _Outcome, archive: Path, summary: DownloadSummary) -> None:
    if outcome.error is not None:
        summary.failed += 1
        problem = Problem(str(archive / outcome.minute.path), str(outcome.error), may_pass=True)
        summary.problems.append(asdict(problem))
    elif outcome.fetched is None:
        summary.present += 1
    else:
        summary.fetched += 1
        summary.replaced += outcome.replaced
        summary.bytes += outcome.fetched


class _Workers:
    """Threads that each bring one file after another; left with ``with``, they write nothing more.

    They are daemons, as one that waits for a slow server cannot be woken.
    """

    def __init__(self, archive: Path, parallel: int, url: str) -> None:
        self.archive = archive
        self.parallel = parallel
        self.stopping = threading.Event()
        self.server = CalgaryServer(self.stopping, url)
        self.writing = threading.Lock()
        self.tasks: queue.SimpleQueue[RemoteMinute | None] = queue.SimpleQueue()
        self.outcomes: queue.SimpleQueue[_Outcome] = queue.SimpleQueue()

    def __enter__(self) -> "_Workers":
        for _ in range(self.parallel):
            threading.Thread(target=self._work, daemon=True).start()
        return self

    def __exit__(self, *error: object) -> None:
        self.stopping.set()
        for _ in range(self.parallel):
            self.tasks.put(None)
        if self.writing.acquire(timeout=END_WRITING_WITHIN):  # nothing is half written, and nothing begun any more
            self.writing.release()

    def bring(self, minutes: Sequence[RemoteMinute]) -> Iterator[_Outcome]:
        """Bring files, and yield what became of each, in the order in which that is known.

        Raises
        ------
        ServerError
            If nobody answers.
        OutputFullError
            If the disk is full.
        """
        for minute in minutes:
            self.tasks.put(minute)
        for _ in minutes:
            outcome = self.outcomes.get()
            error = outcome.error
            if isinstance(error, ServerError) and error.unreachable:
                raise error
            if error is not None and (isinstance(error, OutputFullError) or not isinstance(error, AuroraptError)):
                raise error
            yield outcome

    def _work(self) -> None:
        while (minute := self.tasks.get()) is not None and not self.stopping.is_set():
            try:
                self.outcomes.put(self._bring(minute))
            except Exception as error:
                self.outcomes.put(_Outcome(minute, error=error))

    def _bring(self, minute: RemoteMinute) -> _Outcome:
        path = self.archive / minute.path
        try:
            is_whole = not fault_of(read_plain(path, MINUTE_BYTES_LIMIT), path)
        except FileNotFoundError:
            is_there = is_whole = False
        except OSError as error:
            raise ArchiveError(f"is there and cannot be read: {error.strerror}") from None
        else:
            is_there = True
        if is_whole:
            return _Outcome(minute)
        content = self.server.fetch(minute.url, lambda content: fault_of(content, path))
        with self._room_for(path, len(content)):
            write_whole({path: content})
        return _Outcome(minute, len(content), is_there)

    @contextmanager
    def _room_for(self, path: Path, size: int) -> Iterator[None]:
        """Let this thread alone write, where nothing speaks against it.

        Raises
        ------
        OutputFullError
            If the disk is full.
        ArchiveError
            If the file cannot be written.
        """
        with self.writing:
            if self.stopping.is_set():
                raise ServerError("stopped")
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                if _free_bytes(path.parent) < size + RESERVE_BYTES:
                    raise OutputFullError(
                        f"the disk of {self.archive} is full; make room, and the same command goes on"
                    )
                yield
            except OSError as error:
                if error.errno in DISK_IS_FULL:
                    advice = "" if error.errno == errno.EROFS else "; make room, and the same command goes on"
                    raise OutputFullError(f"cannot write {path}: {error.strerror}{advice}") from None
                raise ArchiveError(f"cannot be written: {error.strerror}") from None
