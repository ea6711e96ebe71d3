"""A minute file: its frames, each with the header that stands right before its image.

`themis_imager_readfile` gives images and header dictionaries as two lists and pairs them by counting, so a damaged
header shifts the times of all later frames; and it takes 131072 bytes for an image wherever it finds one, so a lost
byte shifts all later pixels of it. The file is therefore cut into records here. What the reader refuses as a whole is
refused here too: it gives none of the frames of such a file, and the original program goes on without it. Where a file
is sound but not plain, the reader is asked, and its answer counts. `tests/archive/test_minute_file.py` holds the two to
each other.
"""

import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aurorapt.archive.packed_file import read_packed, sound_parts, unpack
from aurorapt.archive.records import Gap, Record, records
from aurorapt.errors import FrameError, counted
from aurorapt.themis import FRAME_SIZE

IMAGE_SHAPE = (FRAME_SIZE, FRAME_SIZE)  # [y, x]
IMAGE_BYTES = 2 * FRAME_SIZE**2
BIG_ENDIAN = ">u2"

# the line with which, for the reader, the header of a frame is complete
_CLOSING_LINE = re.compile(rb'^#"Exposure (plus initial readout|duration plus readout)[^"\n]*"[^"\n]*$', re.MULTILINE)
_METADATA_LINE = re.compile(rb'^#"[^\n]*', re.MULTILINE)


class Fault(NamedTuple):
    """What of a minute file is no frame.

    ``number`` : of the record, from 1; 0 for what belongs to none
    ``kind`` : what it has in common with others, which are told together
    ``detail`` : what it has not
    """

    number: int
    kind: str
    detail: str = ""


class RawFrames(NamedTuple):
    """What stands in a minute file, in its order.

    ``headers`` : n texts, each the header right before its image
    ``images`` : (n, 256, 256) uint16 [frame, y, x], raw counts
    ``numbers`` : n places among all records of the file, from 1
    ``total`` : records of the file, frames or not
    ``faults`` : what of the file is no frame
    ``salvaged`` : whether the file is damaged, and these are the frames that are intact
    """

    headers: list[bytes]
    images: NDArray[np.uint16]
    numbers: list[int]
    total: int
    faults: list[Fault]
    salvaged: bool = False


def read_frames(path: Path, salvage: bool = False) -> RawFrames:
    """Read the frames of a minute file.

    Parameters
    ----------
    path : of the file
    salvage : whether to keep the intact frames of a damaged file, where the reader gives none

    Raises
    ------
    ArchiveError
        If the file cannot be opened or read.
    FrameError
        If its content is damaged, and not to be salvaged.
    """
    packed = read_packed(path)
    try:
        content, loss = unpack(packed, path)
        if loss and salvage:
            raise FrameError(loss)
        frames = _sound_frames(content)
    except FrameError as error:
        if not salvage:
            raise
        return _salvaged_frames(packed, str(error))
    if loss:
        frames.faults.append(Fault(0, loss))
    return frames


def fault_of(packed: bytes, path: Path) -> str:
    """Say what is wrong with the bytes of a minute file; nothing where it is whole.

    Parameters
    ----------
    packed : the bytes as they lie on disk, or come from the server
    path : whose name says how they are packed

    Notes
    -----
    Compressed files have checksums, which are looked at. A plain one that was cut between two frames shows nothing.
    """
    if not packed:
        return "it is empty"
    try:
        content, loss = unpack(packed, path)
    except FrameError as error:
        return str(error)
    if loss or path.suffix.lower() != ".pgm":
        return loss
    *_, last = (None, *records(content))
    return "" if isinstance(last, Record) and last.end <= len(content) else "it is cut short"


def _sound_frames(content: bytes) -> RawFrames:
    """Give the frames of a file that the reader reads.

    Raises
    ------
    FrameError
        If it does not.
    """
    found = list(records(content))
    number = 0
    for part in found:
        number += isinstance(part, Record)
        text = part.header if isinstance(part, Record) else part.text
        for line in _METADATA_LINE.findall(text):
            if not line.isascii():
                raise FrameError(f"a header is not ASCII, at frame {max(number, 1)}: {line[:60]!r}")
        if isinstance(part, Record) and part.end > len(content) and not part.fault:
            raise FrameError(f"image {number} is cut short")
    if number == 0:
        raise FrameError("no image data")
    if not any(_CLOSING_LINE.search(part.header) for part in found if isinstance(part, Record)):
        raise FrameError("no frame has a complete header")
    frames = _frames(content, found)
    if not frames.faults and not all(map(_is_plain, frames.headers)):
        _ask_the_reader(content, len(frames.headers))
    return frames


def _frames(content: bytes, found: Sequence[Record | Gap]) -> RawFrames:
    """Give the frames among records and gaps, and say what the others are."""
    kept: list[tuple[int, Record]] = []
    faults: list[Fault] = []
    number = 0
    for part in found:
        if isinstance(part, Gap):
            if part.cut:
                faults.append(Fault(0, f"file ends inside the header after frame {number}"))
            else:
                faults.append(Fault(0, "unreadable data", f" before frame {number + 1}"))
            continue
        number += 1
        if part.fault:
            faults.append(Fault(number, part.fault, "" if part.found is None else f": {part.found}"))
        else:
            kept.append((number, part))
    images = np.empty((len(kept), *IMAGE_SHAPE), np.uint16)
    for image, (_, record) in zip(images, kept, strict=True):
        image[:] = np.frombuffer(content, BIG_ENDIAN, image.size, record.start).reshape(IMAGE_SHAPE)
    return RawFrames([record.header for _, record in kept], images, [place for place, _ in kept], number, faults)


def _is_plain(header: bytes) -> bool:
    return header.startswith(b"P5\n") and header.isascii() and _CLOSING_LINE.search(header) is not None


def _ask_the_reader(content: bytes, frames: int) -> None:
    """Let the reader look at a file that is sound but not plain.

    Raises
    ------
    FrameError
        If it finds something else there.
    """
    try:
        import themis_imager_readfile
    except ImportError:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "minute.pgm")
        path.write_bytes(content)
        try:
            stack, _, problematic = themis_imager_readfile.read(str(path), workers=1, quiet=True)
        except Exception as error:  # the reader lets whatever a damaged file provokes through
            raise FrameError(f"the reader failed: {type(error).__name__}: {error}") from None
    if problematic:
        raise FrameError(str(problematic[0]["error_message"]))
    if stack.shape[2] != frames:
        raise FrameError(f"the reader gives {counted(stack.shape[2], 'image')} where the file has {frames}")


def _salvaged_frames(packed: bytes, damage: str) -> RawFrames:
    """Give the frames of a damaged file that are intact; ``damage`` says what is wrong with it."""
    headers: list[bytes] = []
    images: list[NDArray[np.uint16]] = []
    numbers: list[int] = []
    faults: list[Fault] = []
    total = 0
    for place, content in enumerate(sound_parts(packed)):
        found = [_damaged(part, len(content)) for part in records(content, from_the_start=place == 0)]
        frames = _frames(content, found)
        if place and frames.total:
            faults.append(Fault(0, "data lost", f" before frame {total + 1}"))
        elif place:
            continue
        headers += frames.headers
        images.append(frames.images)
        numbers += [total + number for number in frames.numbers]
        faults += [fault._replace(number=total + fault.number if fault.number else 0) for fault in frames.faults]
        total += frames.total
    stack = np.concatenate(images) if images else np.empty((0, *IMAGE_SHAPE), np.uint16)
    if total == 0:
        faults = []  # all that could be said is that there is none
    faults.insert(0, Fault(0, f"{damage}; {counted(len(headers), 'intact frame')} salvaged"))
    return RawFrames(headers, stack, numbers, total, faults, salvaged=len(headers) > 0)


def _damaged(part: Record | Gap, length: int) -> Record | Gap:
    """Mark a record that is no frame in a damaged file, though it may be one in a sound file."""
    if isinstance(part, Gap) or part.fault:
        return part
    if part.end > length:
        return Record(part.header, part.start, part.end, "its image is cut short")
    if not part.header.isascii():
        return Record(part.header, part.start, part.end, "its header is not ASCII")
    return part
