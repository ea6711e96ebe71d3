"""Minute files: a path in, frames with their times and problems out, through themis_imager_readfile.

The reader gives images and header dictionaries as two lists and pairs them by counting. A damaged header in the
middle of a file then shifts the times of all later frames, silently. So the times are taken here, from the header
that stands right before each image; the pixels are the reader's.
"""

import bz2
import gzip
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import themis_imager_readfile
from numpy.typing import NDArray

from aurorapt.archive import MinuteFile, Problem
from aurorapt.errors import ArchiveError, FrameError
from aurorapt.time_limit import TimeLimitError, time_limit

FULL_MINUTE = 20  # frames
IMAGE_BYTES = 256 * 256 * 2
MINUTE_BYTES_LIMIT = 64 * 2**20  # bytes; a full minute is 2.6 MB, so nothing larger is one
PIECE_BYTES = 2**14  # bytes of a damaged file that are decompressed at once
MAGIC_NUMBER = b"P5\n"
IMAGE_SIZE_LINE = b"\n256 256"
IMAGE_MARK = b"\n65535\n"  # largest value, the last line before the pixels

_OPENERS: dict[str, Callable[[Path, str], Any]] = {".pgm": open, ".gz": gzip.open, ".bz2": bz2.open}
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

    images: NDArray[np.uint16] = field(default_factory=lambda: np.empty((0, 256, 256), dtype=np.uint16))
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
    file_timeout : seconds after which a file is given up; None for never
    salvage : whether to keep the whole frames of a damaged file, where the reader gives none

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
        if len(best.times) >= FULL_MINUTE and not best.salvaged:
            break
    return Minute(best.images, best.times, problems, best.salvaged)


def _read_file(path: Path, site: str, day: date, salvage: bool) -> Minute:
    try:
        headers, losses = _image_headers(_content(path))
        stack = _reader_images(path)
        if len(stack) != len(headers):
            raise FrameError(f"the reader gives {len(stack)} images where the file has {len(headers)}")
    except FrameError as error:
        if not salvage:
            raise
        headers, stack = _whole_frames(path)
        losses = [f"{error}; {len(headers)} whole frames are salvaged"]
        salvaged = len(headers) > 0
    else:
        salvaged = False
    kept: list[int] = []
    times: list[datetime] = []
    problems = [Problem(str(path), loss) for loss in losses]
    for number, header in enumerate(headers):
        try:
            _check_site(header, site)
            time = _request_start(header, day)
        except FrameError as error:
            problems.append(Problem(str(path), f"frame {number + 1} of {len(headers)}: {error}"))
            continue
        kept.append(number)
        times.append(time)
    return Minute(stack if len(kept) == len(stack) else stack[kept], times, problems, salvaged)


def _content(path: Path) -> bytes:
    opener = _OPENERS.get(path.suffix)
    if opener is None:
        raise FrameError(f"unknown file type {path.suffix}; .pgm, .pgm.gz and .pgm.bz2 are read")
    try:
        with opener(path, "rb") as file:
            content: bytes = file.read(MINUTE_BYTES_LIMIT + 1)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise ArchiveError(f"cannot be read: {error.strerror}") from None
        raise FrameError(f"cannot be read: {error}") from None
    if len(content) > MINUTE_BYTES_LIMIT:
        raise FrameError(f"more than {MINUTE_BYTES_LIMIT // 2**20} MiB of content, not a minute file")
    return content


def _image_headers(content: bytes) -> tuple[list[bytes], list[str]]:
    """Text header right before each image, in the order of the images, and what of the content is no frame."""
    headers: list[bytes] = []
    losses = []
    position = 0
    while (mark := content.find(IMAGE_MARK, position)) >= 0:
        header = content[position:mark]
        if not header.endswith(IMAGE_SIZE_LINE):
            size = header.rpartition(b"\n")[2][:20].decode("ascii", "replace")
            raise FrameError(f"an image size of {size!r} where '256 256' is expected")
        start = max(header.rfind(MAGIC_NUMBER), 0)
        if start > 0:
            losses.append(f"what stands before frame {len(headers) + 1} is no frame; an image was lost there")
        headers.append(header[start:])
        position = mark + len(IMAGE_MARK) + IMAGE_BYTES
        if position > len(content):
            raise FrameError(f"image {len(headers)} is cut short")
    if headers and content[position:].strip():
        losses.append(f"what follows frame {len(headers)} is no frame; the file was cut in the header there")
    return headers, losses


def _reader_images(path: Path) -> NDArray[np.uint16]:
    """Images as the reader gives them, (n, 256, 256) uint16 [frame, y, x]."""
    try:
        stack, _, problematic = themis_imager_readfile.read(str(path), workers=1, quiet=True)
    except Exception as error:  # the reader lets whatever a damaged file provokes through
        raise FrameError(f"the reader failed: {type(error).__name__}: {error}") from None
    if problematic:
        raise FrameError(str(problematic[0]["error_message"]))
    if stack.shape[2] == 0:
        raise FrameError("no frame has a complete header")
    return np.ascontiguousarray(stack.transpose(2, 0, 1))


def _whole_frames(path: Path) -> tuple[list[bytes], NDArray[np.uint16]]:
    """Headers and images, (n, 256, 256) uint16 [frame, y, x], of a damaged file's frames that are whole."""
    content = _sound_content(path)
    headers: list[bytes] = []
    images = []
    position = 0
    while (mark := content.find(IMAGE_MARK, position)) >= 0:
        header = content[position:mark]
        header = header[max(header.rfind(MAGIC_NUMBER), 0) :]
        position = mark + len(IMAGE_MARK)
        pixels = content[position : position + IMAGE_BYTES]
        if header.isascii() and header.endswith(IMAGE_SIZE_LINE) and len(pixels) == IMAGE_BYTES:
            headers.append(header)
            images.append(np.frombuffer(pixels, ">u2").reshape(256, 256))
            position += IMAGE_BYTES
    return headers, np.array(images, np.uint16).reshape(-1, 256, 256)


def _sound_content(path: Path) -> bytes:
    """Content of a damaged file as far as nothing speaks against it.

    A gzip file has one checksum, at its end: where its data are wrong and not just cut short, no frame of it can be
    trusted. A bzip2 file has one for each block.
    """
    with path.open("rb") as file:
        packed = file.read(MINUTE_BYTES_LIMIT)
    if path.suffix == ".pgm":
        return packed
    decompressor = zlib.decompressobj(wbits=31) if path.suffix == ".gz" else bz2.BZ2Decompressor()
    content = bytearray()
    try:
        for start in range(0, len(packed), PIECE_BYTES):
            if decompressor.eof or len(content) >= MINUTE_BYTES_LIMIT:
                break
            piece = packed[start : start + PIECE_BYTES]
            content += decompressor.decompress(piece, MINUTE_BYTES_LIMIT - len(content))
    except zlib.error:
        return b""
    except OSError:  # bzip2's
        pass
    return bytes(content)


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
