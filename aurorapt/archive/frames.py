"""Minute files: a path in, frames with their times and problems out.

The reader gives images and header dictionaries as two lists and pairs them by counting. A damaged header in the
middle of a file then shifts the times of all later frames, silently. So the times are taken here, from the header
that stands right before each image; the pixels are as the reader gives them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aurorapt.archive.camera_nights import Problem
from aurorapt.archive.minute_file import Fault, read_frames
from aurorapt.archive.night_listing import MinuteFile
from aurorapt.errors import ArchiveError, FrameError, counted
from aurorapt.machine.time_limit import TimeLimitError, time_limit
from aurorapt.themis import FRAME_SIZE, FRAMES_PER_MINUTE

FULL_MODE = "full"  # the camera's mode for whole frames of the night sky
_REQUEST_START = re.compile(rb'^#"Image request start"(.*)$', re.MULTILINE)
_MODE = re.compile(rb'^#"Mode unique ID"(.*)$', re.MULTILINE)
_SITE = re.compile(rb'^#"Site unique ID"(.*)$', re.MULTILINE)
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6})\d*)?(?: UTC)?")


@dataclass
class Minute:
    """The frames of one minute file.

    ``images`` : (n, 256, 256) uint16 [frame, y, x], raw counts, rows as the reader gives them (not flipped: row 0 is
    the edge that asilib and PyAuroraX plot at the top, north)
    ``times`` : n naive UTC times, the headers' ``Image request start``
    ``salvaged`` : whether the file is damaged, and these are the frames that are intact
    ``path`` : of the file they are from
    """

    images: NDArray[np.uint16] = field(default_factory=lambda: np.empty((0, FRAME_SIZE, FRAME_SIZE), dtype=np.uint16))
    times: list[datetime] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    salvaged: bool = False
    path: str = ""


def read_minute(
    minute_file: MinuteFile, site: str, day: date, file_timeout: float | None = None, salvage: bool = False
) -> Minute:
    """Read the frames of one minute; where its file is unreadable or not full, those of the twin that has most.

    Parameters
    ----------
    site, day : of the camera-night the file lies in; a frame whose header says otherwise is a problem, not a frame
    file_timeout : seconds after which to give up on a file; None for never
    salvage : whether to keep the intact frames of a damaged file, where the reader gives none

    Returns
    -------
    Minute
        Without frames where no file of the minute could be read. Nothing is raised for what is wrong with a file: what
        lies in its content is a problem for good, and anything else is one that may pass.
    """
    best = Minute()
    problems: list[Problem] = []
    for path in (minute_file.path, *minute_file.twins):
        try:
            with time_limit(file_timeout):
                minute = _read_file(path, site, day, salvage)
        except FrameError as error:
            problems.append(Problem(str(path), str(error)))
            continue
        except ArchiveError as error:
            problems.append(Problem(str(path), str(error), may_pass=True))
            continue
        except TimeLimitError:
            problems.append(Problem(str(path), f"not read within {file_timeout:g} s", may_pass=True))
            continue
        except Exception as error:  # such as a lack of memory: nothing is known of the content
            problems.append(Problem(str(path), unexpected(error), may_pass=True))
            continue
        problems.extend(minute.problems)
        if (len(minute.times), best.salvaged) > (len(best.times), minute.salvaged):
            best = minute
        if len(best.times) >= FRAMES_PER_MINUTE and not best.salvaged:
            break
    if len(best.times) >= FRAMES_PER_MINUTE and not best.salvaged:
        problems = [replace(problem, may_pass=False) for problem in problems]  # another look would bring nothing
    return Minute(best.images, best.times, problems, best.salvaged, best.path)


def unexpected(error: Exception) -> str:
    """Say what an error was that nobody reckoned with."""
    return f"unexpected {type(error).__name__}{f': {error}' if str(error) else ''}"


def _read_file(path: Path, site: str, day: date, salvage: bool) -> Minute:
    frames = read_frames(path, salvage)
    kept: list[int] = []
    times: list[datetime] = []
    faults = list(frames.faults)
    for place, header in enumerate(frames.headers):
        try:
            _check_mode(header)
            _check_site(header, site)
            time = _request_start(header, day)
        except _HeaderError as error:
            faults.append(Fault(frames.numbers[place], error.kind, error.detail))
            continue
        kept.append(place)
        times.append(time)
    images = frames.images if len(kept) == len(frames.images) else frames.images[kept]
    problems = [Problem(str(path), reason, count=count) for reason, count in _reasons(faults, frames.total)]
    return Minute(images, times, problems, frames.salvaged, str(path))


class _HeaderError(Exception):
    """A header whose frame cannot be trusted; ``kind`` is what other frames may have in common with it."""

    def __init__(self, kind: str, detail: str = "") -> None:
        super().__init__(f"{kind}{detail}")
        self.kind, self.detail = kind, detail


def _reasons(faults: Sequence[Fault], total: int) -> Iterator[tuple[str, int]]:
    """Say each kind of fault once, with the number of frames, or places, that have it."""
    kinds: dict[tuple[bool, str], list[Fault]] = {}
    for fault in faults:
        kinds.setdefault((fault.number > 0, fault.kind), []).append(fault)
    for (of_frame, kind), (first, *others) in kinds.items():
        reason, count = f"{kind}{first.detail}", 1 + len(others)
        if not of_frame:
            yield reason + (f", and at {counted(len(others), 'other place')}" if others else ""), count
        elif not others:
            yield f"frame {first.number} of {total}: {reason}", 1
        else:
            yield f"{count} of {total} frames, the first is frame {first.number}: {reason}", count


def _stated(pattern: re.Pattern[bytes], header: bytes) -> list[str]:
    return [value.decode("ascii", "replace").strip() for value in pattern.findall(header)]


def _check_mode(header: bytes) -> None:
    stated = _stated(_MODE, header)
    if stated and stated[-1].lower() != FULL_MODE:
        raise _HeaderError("the camera was in another mode", f": {stated[-1][:40]!r} instead of {FULL_MODE!r}")


def _check_site(header: bytes, site: str) -> None:
    stated = [value.lower() for value in _stated(_SITE, header) if value]
    if stated and stated[-1] != site:  # of several, the reader too takes the last one
        raise _HeaderError(f"the header says site {stated[-1][:40]!r}, the folder {site!r}")


def _request_start(header: bytes, day: date) -> datetime:
    stated = list(dict.fromkeys(_stated(_REQUEST_START, header)))
    if len(stated) != 1:
        raise _HeaderError(f"{len(stated) or 'no'} times ('Image request start') in its header")
    match = _TIME.fullmatch(stated[0])
    if match is None:
        raise _HeaderError("a time that cannot be read", f": {stated[0][:40]!r}")
    *whole, fraction = match.groups()
    year, month, day_of_month, hour, minute, second = map(int, whole)
    microsecond = int((fraction or "0").ljust(6, "0"))
    try:
        time = datetime(year, month, day_of_month, hour, minute, second, microsecond)
    except ValueError:
        raise _HeaderError("a time that does not exist", f": {stated[0][:40]!r}") from None
    if time.date() != day:
        raise _HeaderError(f"its time is outside the folder's date {day}", f": {time}")
    return time
