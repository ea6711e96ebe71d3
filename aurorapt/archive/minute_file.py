"""The bytes of a minute file: unpacked, cut into frames, decoded as themis_imager_readfile decodes them.

The reader stacks images one by one along the last axis, which takes longer than anything else about a file (1.3 of 2.1
ms a frame). A file that is plainly well formed can be read in one way only, so it is decoded here; all others are given
to the reader, whose answer counts. `tests/test_minute_file.py` holds the two to each other.
"""

import bz2
import gzip
import re
import zlib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np
import themis_imager_readfile
from numpy.typing import NDArray

from aurorapt.errors import ArchiveError, FrameError, counted
from aurorapt.themis import FRAME_SIZE

inflate: ModuleType = zlib
try:
    from isal import isal_zlib
except ImportError:
    pass
else:
    inflate = isal_zlib  # in half of zlib's time

IMAGE_SHAPE = (FRAME_SIZE, FRAME_SIZE)  # [y, x]
IMAGE_BYTES = 2 * FRAME_SIZE**2
BIG_ENDIAN = ">u2"
MINUTE_BYTES_LIMIT = 64 * 2**20  # bytes; a full minute is 2.6 MB, so nothing larger is one
PIECE_BYTES = 2**14  # bytes of a damaged file that are decompressed at once
MAGIC_NUMBER = b"P5\n"
IMAGE_SIZE_LINE = b"\n%d %d" % IMAGE_SHAPE
IMAGE_MARK = b"\n65535\n"  # largest value, the last line before the pixels

GZIP_WRAPPER = 31  # zlib's number for gzip's header and trailer

_OPENERS: dict[str, Callable[[Path, str], Any]] = {".pgm": open, ".gz": gzip.open, ".bz2": bz2.open}
# the line with which, for the reader, the header of a frame is complete
_CLOSING_LINE = re.compile(rb'^#"Exposure (plus initial readout|duration plus readout)[^"\n]*"[^"\n]*$', re.MULTILINE)


class RawFrames(NamedTuple):
    """What stands in a minute file, in its order.

    ``headers`` : n texts, each the header right before its image
    ``images`` : (n, 256, 256) uint16 [frame, y, x], raw counts
    ``faults`` : what of the file is no frame, in words
    """

    headers: list[bytes]
    images: NDArray[np.uint16]
    faults: list[str]


def read_frames(path: Path) -> RawFrames:
    """Read a minute file as the reader does, with each header at its own image.

    Raises
    ------
    ArchiveError
        If the file cannot be opened or read.
    FrameError
        If its content is damaged.
    """
    content = _content(path)
    headers, starts, faults = _image_headers(content)
    end = starts[-1] + IMAGE_BYTES if starts else 0
    if end == len(content) > 0 and not faults and all(map(_is_plain, headers)):
        return RawFrames(headers, _decoded(content, starts), faults)
    images = _reader_images(path)
    if len(images) != len(headers):
        raise FrameError(f"the reader gives {len(images)} images where the file has {len(headers)}")
    return RawFrames(headers, images, faults)


def _content(path: Path) -> bytes:
    opener = _OPENERS.get(path.suffix)
    if opener is None:
        raise FrameError(f"unknown file type {path.suffix}; .pgm, .pgm.gz and .pgm.bz2 are read")
    try:
        content = _gunzipped(path) if path.suffix == ".gz" else None
        if content is None:
            with opener(path, "rb") as file:
                content = file.read(MINUTE_BYTES_LIMIT + 1)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise ArchiveError(f"cannot be read: {error.strerror}") from None
        raise FrameError(f"cannot be read: {error}") from None
    if len(content) > MINUTE_BYTES_LIMIT:
        raise FrameError(f"more than {MINUTE_BYTES_LIMIT // 2**20} MiB of content, not a minute file")
    return content


def _gunzipped(path: Path) -> bytes | None:
    """Unpack a gzip file of one sound member; None for any other, which Python's gzip then reads or refuses."""
    with path.open("rb") as file:
        packed = file.read(MINUTE_BYTES_LIMIT)
    decompressor = inflate.decompressobj(GZIP_WRAPPER)
    try:
        content: bytes = decompressor.decompress(packed, MINUTE_BYTES_LIMIT)
    except (zlib.error, inflate.error):
        return None
    return content if decompressor.eof and not decompressor.unused_data else None


def _image_headers(content: bytes) -> tuple[list[bytes], list[int], list[str]]:
    """Find the header right before each image, where each image starts, and what of the content is no frame."""
    headers: list[bytes] = []
    starts: list[int] = []
    faults = []
    position = 0
    while (mark := content.find(IMAGE_MARK, position)) >= 0:
        header = content[position:mark]
        if not header.endswith(IMAGE_SIZE_LINE):
            size = header.rpartition(b"\n")[2][:20].decode("ascii", "replace")
            raise FrameError(f"an image size of {size!r} where '256 256' is expected")
        start = max(header.rfind(MAGIC_NUMBER), 0)
        if start > 0:
            faults.append(f"unreadable data before frame {len(headers) + 1}")
        headers.append(header[start:])
        starts.append(mark + len(IMAGE_MARK))
        position = starts[-1] + IMAGE_BYTES
        if position > len(content):
            raise FrameError(f"image {len(headers)} is cut short")
    if headers and content[position:].strip():
        faults.append(f"file ends inside the header after frame {len(headers)}")
    return headers, starts, faults


def _is_plain(header: bytes) -> bool:
    return header.startswith(MAGIC_NUMBER) and header.isascii() and _CLOSING_LINE.search(header) is not None


def _decoded(content: bytes, starts: list[int]) -> NDArray[np.uint16]:
    """Decode the images that start at these bytes, (n, 256, 256) uint16 [frame, y, x]."""
    images = np.empty((len(starts), *IMAGE_SHAPE), np.uint16)
    for image, start in zip(images, starts, strict=True):
        image[:] = np.frombuffer(content, BIG_ENDIAN, image.size, start).reshape(IMAGE_SHAPE)
    return images


def _reader_images(path: Path) -> NDArray[np.uint16]:
    """Read the images as the reader gives them, (n, 256, 256) uint16 [frame, y, x]."""
    try:
        stack, _, problematic = themis_imager_readfile.read(str(path), workers=1, quiet=True)
    except Exception as error:  # the reader lets whatever a damaged file provokes through
        raise FrameError(f"the reader failed: {type(error).__name__}: {error}") from None
    if problematic:
        raise FrameError(str(problematic[0]["error_message"]))
    if stack.shape[2] == 0:
        raise FrameError("no frame has a complete header")
    return np.ascontiguousarray(stack.transpose(2, 0, 1))


def salvage_frames(path: Path, damage: str) -> RawFrames:
    """Read the frames of a damaged file that are whole.

    Parameters
    ----------
    damage : what is wrong with the file, for the faults
    """
    content = _sound_content(path)
    headers: list[bytes] = []
    starts: list[int] = []
    position = 0
    while (mark := content.find(IMAGE_MARK, position)) >= 0:
        header = content[position:mark]
        header = header[max(header.rfind(MAGIC_NUMBER), 0) :]
        position = mark + len(IMAGE_MARK)
        if header.isascii() and header.endswith(IMAGE_SIZE_LINE) and position + IMAGE_BYTES <= len(content):
            headers.append(header)
            starts.append(position)
            position += IMAGE_BYTES
    saved = counted(len(headers), "intact frame")
    return RawFrames(headers, _decoded(content, starts), [f"{damage}; {saved} salvaged"])


def _sound_content(path: Path) -> bytes:
    """Unpack a damaged file as far as nothing speaks against it.

    A gzip file has one checksum, at its end: where its data are wrong and not just cut short, no frame of it can be
    trusted. A bzip2 file has one for each block.
    """
    with path.open("rb") as file:
        packed = file.read(MINUTE_BYTES_LIMIT)
    if path.suffix == ".pgm":
        return packed
    decompressor = zlib.decompressobj(GZIP_WRAPPER) if path.suffix == ".gz" else bz2.BZ2Decompressor()
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
