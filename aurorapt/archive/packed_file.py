"""The bytes of a minute file: read once, told apart by what they are, and unpacked."""

import bz2
import gzip
import io
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

from aurorapt.errors import ArchiveError, FrameError
from aurorapt.machine.plain_files import read_at_most

inflate: ModuleType = zlib
try:
    from isal import isal_zlib
except ImportError:
    pass
else:
    inflate = isal_zlib  # in half of zlib's time

MINUTE_BYTES_LIMIT = 64 * 2**20  # bytes; a full minute is 2.6 MB, so nothing larger is one
PIECE_BYTES = 2**14  # bytes of a damaged file that are unpacked at once
GZIP_WRAPPER = 31  # zlib's number for gzip's header and trailer

PGM, GZIP, BZIP2 = "plain PGM", "gzip", "bzip2"
_BEGINNINGS = {
    b"P5": PGM,
    b"\x1f\x8b": GZIP,
    b"BZh": BZIP2,
    b"\xfd7zXZ": "xz",
    b"(\xb5/\xfd": "zstd",
    b"\x89PNG": "PNG",
    b"<": "HTML",
}
_BY_ENDING = {".pgm": PGM, ".gz": GZIP, ".bz2": BZIP2}
_STREAM_BEGINNINGS = {GZIP: b"\x1f\x8b\x08", BZIP2: b"BZh"}


def read_packed(path: Path) -> bytes:
    """Read a file as it lies on disk, up to one byte more than `MINUTE_BYTES_LIMIT`.

    Raises
    ------
    ArchiveError
        If the file cannot be opened or read.
    """
    try:
        with path.open("rb") as file:
            return read_at_most(file, MINUTE_BYTES_LIMIT + 1)
    except OSError as error:
        raise ArchiveError(f"cannot be read: {error.strerror or error}") from None


def unpack(packed: bytes, path: Path) -> tuple[bytes, str]:
    """Unpack a file as the ending of its name says.

    Parameters
    ----------
    packed : the file as it lies on disk, as `read_packed` gives it
    path : its name

    Returns
    -------
    content : what the reader reads of it
    loss : what the reader passes over without a word, though frames may have been there; empty where there is nothing

    Raises
    ------
    FrameError
        If the content is damaged, far too large, or something else than the name says.
    """
    ending = path.suffix.lower()
    kind, found = _BY_ENDING[ending], _kind_of(packed)
    if found not in (kind, None):
        raise FrameError(f"{found} in a {ending} file")
    content, loss = packed, ""
    if kind != PGM and not (content := _unpacked_at_once(packed) if kind == GZIP else b""):
        opener: Any = gzip.open if kind == GZIP else bz2.open
        try:
            with opener(io.BytesIO(packed)) as file:
                content = file.read(MINUTE_BYTES_LIMIT + 1)
        except (OSError, EOFError, zlib.error, ValueError) as error:
            raise FrameError(f"cannot be read: {error}") from None
        loss = _passed_over(packed, kind)
    if len(content) > MINUTE_BYTES_LIMIT or len(packed) > MINUTE_BYTES_LIMIT:
        raise FrameError(f"more than {MINUTE_BYTES_LIMIT // 2**20} MiB of content, not a minute file")
    return content, loss


def _passed_over(packed: bytes, kind: str) -> str:
    """Say what Python passes over silently: what is no stream behind one of bzip2, zeros between members of gzip."""
    place, streams, room = 0, 0, MINUTE_BYTES_LIMIT
    while place < len(packed) and room > 0:
        content, end = _unpack_stream(packed, place, kind, room)
        if end is None:
            return f"what follows {kind} stream {streams} is none, and is lost" if streams else ""
        streams, room = streams + 1, room - len(content)
        following = end + len(packed[end:]) - len(packed[end:].lstrip(b"\0"))
        if end < following < len(packed):
            return f"what followed {kind} stream {streams} was overwritten with zeros"
        place = following
    return ""


def sound_parts(packed: bytes) -> list[bytes]:
    """Unpack what of a damaged file nothing speaks against, whatever its name says.

    A gzip member has one checksum, at its end: where its data are wrong and not just cut short, nothing of it can be
    trusted. A bzip2 stream has one for each block. After a damaged one, the next one that is found is taken up.

    Returns
    -------
    list of bytes
        Contents without a break; between two of them something is missing. The first one begins where the file does.
    """
    kind = _kind_of(packed)
    if kind not in _STREAM_BEGINNINGS:
        return [packed[:MINUTE_BYTES_LIMIT]]
    beginning = _STREAM_BEGINNINGS[kind]
    parts: list[bytes] = []
    current = bytearray()
    place = 0
    while place >= 0 and sum(map(len, parts)) + len(current) < MINUTE_BYTES_LIMIT:
        room = MINUTE_BYTES_LIMIT - sum(map(len, parts)) - len(current)
        content, end = _unpack_stream(packed, place, kind, room)
        current += content
        following = packed.find(beginning, place + 1 if end is None else end)
        if end is None or (following > end and packed[end:following].strip(b"\0")):
            parts.append(bytes(current))
            current.clear()
        place = following
    return [*parts, bytes(current)]


def _kind_of(packed: bytes) -> str | None:
    return next((kind for beginning, kind in _BEGINNINGS.items() if packed.startswith(beginning)), None)


def _unpacked_at_once(packed: bytes) -> bytes:
    """Unpack a gzip file of one sound member; nothing of any other, which Python's gzip then reads or refuses."""
    decompressor = inflate.decompressobj(GZIP_WRAPPER)
    try:
        content: bytes = decompressor.decompress(packed, MINUTE_BYTES_LIMIT)
    except (zlib.error, inflate.error):
        return b""
    return content if decompressor.eof and not decompressor.unused_data else b""


def _unpack_stream(packed: bytes, place: int, kind: str, room: int) -> tuple[bytes, int | None]:
    """Unpack one gzip member or bzip2 stream, and say where it ends, or None where it is damaged or cut short."""
    decompressor: Any = zlib.decompressobj(GZIP_WRAPPER) if kind == GZIP else bz2.BZ2Decompressor()
    content = bytearray()
    try:
        for start in range(place, len(packed), PIECE_BYTES):
            if len(content) >= room:
                return bytes(content), None
            content += decompressor.decompress(packed[start : start + PIECE_BYTES], room - len(content))
            if decompressor.eof:
                return bytes(content), min(start + PIECE_BYTES, len(packed)) - len(decompressor.unused_data)
    except zlib.error:
        return b"", None
    except OSError:  # bzip2's, after the blocks that were sound
        pass
    return bytes(content), None
