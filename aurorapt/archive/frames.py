"""Minute files: a path in, frames with their times and problems out.

The reader gives images and header dictionaries as two lists and pairs them by counting. A damaged header in the
middle of a file then shifts the times of all later frames, silently. So the times are taken here, from the header
that stands right before each image; the pixels are as the reader gives them.
"""

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aurorapt.archive.camera_nights import MinuteFile, Problem
from aurorapt.archive.minute_file import read_frames, salvage_frames
from aurorapt.errors import ArchiveError, FrameError
from aurorapt.machine.time_limit import TimeLimitError, time_limit
from aurorapt.themis import FRAME_SIZE, FRAMES_PER_MINUTE

_REQUEST_START = re.compile(rb'^#"Image request start"(.*)$', re.MULTILINE)
_SITE = re.compile(rb'^#"Site unique ID"(.*)$', re.MULTILINE)
_TIME = re.compile(r"(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6})\d*)?(?: UTC)?")


@dataclass
class Minute:
    """The frames of one minute file.

    ``images`` : (n, 256, 256) uint16 [frame, y, x], raw counts, rows as the reader gives them (not flipped: row 0 is
    the edge that asilib and PyAuroraX plot at the top, north)
    ``times`` : n naive UTC times, the headers' ``Image request start``
    ``salvaged`` : whether the file is damaged, and these are the frames that are whole
    """

    images: NDArray[np.uint16] = field(default_factory=lambda: np.empty((0, FRAME_SIZE, FRAME_SIZE), dtype=np.uint16))
    times: list[datetime] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    salvaged: bool = False


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
        Without frames where no file of the minute could be read. Nothing is raised for bad content.
    """
    best = Minute()
    problems: list[Problem] = []
    for path in (minute_file.path, *minute_file.twins):
        try:
            with time_limit(file_timeout):
                minute = _read_file(path, site, day, salvage)
        except (ArchiveError, FrameError) as error:
            problems.append(Problem(str(path), str(error), may_pass=isinstance(error, ArchiveError)))
            continue
        except TimeLimitError:
            problems.append(Problem(str(path), f"not read within {file_timeout:g} s", may_pass=True))
            continue
        problems.extend(minute.problems)
        if (len(minute.times), best.salvaged) > (len(best.times), minute.salvaged):
            best = minute
        if len(best.times) >= FRAMES_PER_MINUTE and not best.salvaged:
            break
    return Minute(best.images, best.times, problems, best.salvaged)


def _read_file(path: Path, site: str, day: date, salvage: bool) -> Minute:
    salvaged = False
    try:
        headers, images, faults = read_frames(path)
    except FrameError as error:
        if not salvage:
            raise
        headers, images, faults = salvage_frames(path, str(error))
        salvaged = len(headers) > 0
    kept: list[int] = []
    times: list[datetime] = []
    problems = [Problem(str(path), fault) for fault in faults]
    for number, header in enumerate(headers):
        try:
            _check_site(header, site)
            time = _request_start(header, day)
        except FrameError as error:
            problems.append(Problem(str(path), f"frame {number + 1} of {len(headers)}: {error}"))
            continue
        kept.append(number)
        times.append(time)
    return Minute(images if len(kept) == len(images) else images[kept], times, problems, salvaged)


def _check_site(header: bytes, site: str) -> None:
    stated = [value.decode("ascii", "replace").strip().lower() for value in _SITE.findall(header)]
    others = sorted(set(stated) - {site, ""})
    if others:
        raise FrameError(f"the header says site {others[0]!r}, the folder {site!r}")


def _request_start(header: bytes, day: date) -> datetime:
    stated = [value.decode("ascii", "replace").strip() for value in _REQUEST_START.findall(header)]
    if len(stated) != 1:
        raise FrameError(f"{len(stated) or 'no'} times ('Image request start') in its header")
    match = _TIME.fullmatch(stated[0])
    if match is None:
        raise FrameError(f"a time that cannot be read: {stated[0][:40]!r}")
    *whole, fraction = match.groups()
    year, month, day_of_month, hour, minute, second = map(int, whole)
    microsecond = int((fraction or "0").ljust(6, "0"))
    try:
        time = datetime(year, month, day_of_month, hour, minute, second, microsecond)
    except ValueError:
        raise FrameError(f"a time that does not exist: {stated[0][:40]!r}") from None
    if time.date() != day:
        raise FrameError(f"its time {time} is outside the folder's date {day}")
    return time
