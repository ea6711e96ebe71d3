"""The records of a minute file: one portable graymap after another, each where its bytes say it is.

A record is ``P5``, a header of comments and three numbers (columns, rows, largest value), and an image. A lost or added
byte shifts all pixels behind it, and nothing in the image shows it; so an image counts only if the next record, or the
end of the file, stands exactly where it ends.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from aurorapt.themis import FRAME_SIZE

LARGEST_VALUE = 65535
LONGEST_HEADER = 2**16  # bytes; real ones have 500 to 1500
MOST_BEGINNINGS = 1000  # of headers that turn out to be none, before the next one; damage makes one or two
_MAGIC_NUMBER = re.compile(rb"P5\r?\n")
_START_OF_RECORD = re.compile(rb"P5\r?\n(?=[#\d])")
_LINE = re.compile(rb"#[^\n]*\n|[\t -~]*\r?\n")  # a comment, numbers, or text that the reader passes over too
_LONGEST_NUMBER = 9  # digits


@dataclass(frozen=True)
class Record:
    """One record of a minute file.

    ``header`` : its text, from ``P5`` to the largest value
    ``start``, ``end`` : bytes of the content between which its image is; ``end`` may lie beyond the content's end
    ``fault`` : why it is no frame, in words; empty for a frame
    ``found`` : bytes of its image, where they are not those that the header says
    """

    header: bytes
    start: int
    end: int
    fault: str = ""
    found: int | None = None


@dataclass(frozen=True)
class Gap:
    """Bytes that belong to no record.

    ``text`` : what they begin with, as far as it may be a header
    ``cut`` : whether they are a header that the end of the file cuts
    """

    text: bytes
    cut: bool


@dataclass(frozen=True)
class _Header:
    """The three numbers of a header, and where it ends; ``alone`` if the last one has a line of its own."""

    end: int
    columns: int
    rows: int
    largest: int
    alone: bool

    @property
    def image_bytes(self) -> int:
        return self.columns * self.rows * (2 if self.largest > 255 else 1)

    @property
    def fault(self) -> str:
        if (self.columns, self.rows) != (FRAME_SIZE, FRAME_SIZE):
            return f"an image size of '{self.columns} {self.rows}' where '{FRAME_SIZE} {FRAME_SIZE}' is expected"
        if self.largest != LARGEST_VALUE:
            return f"a largest value of {self.largest} where {LARGEST_VALUE} is expected"
        # only there does themis_imager_readfile find it
        return "" if self.alone else "the largest value does not stand on a line of its own"


def records(content: bytes, *, from_the_start: bool = True) -> Iterator[Record | Gap]:
    """Cut the content of a minute file into records, and the gaps between them.

    Parameters
    ----------
    content : of a minute file, unpacked
    from_the_start : whether that is the beginning of the file, whose first record may lack its ``P5``

    Yields
    ------
    Record or Gap
        In the order of the content.
    """
    place = 0
    while place < len(content):
        is_start = place == 0 and from_the_start
        header, stop = _read_header(content, place, is_start)
        if header is None:
            following = _next_record(content, max(stop, place + 1))
            yield Gap(content[place:stop], cut=following is None and stop == len(content))
        else:
            record, following = _record(content, place, header)
            yield record
        place = len(content) if following is None else following


def _record(content: bytes, place: int, header: _Header) -> tuple[Record, int | None]:
    """Give the record with this header, and the place of the next one."""
    end = header.end + header.image_bytes
    text, fault = content[place : header.end], header.fault
    if end == len(content) or _MAGIC_NUMBER.match(content, end):
        return Record(text, header.end, end, fault), end
    following = _next_record(content, header.end)
    found = None
    if (following is not None or end < len(content)) and not fault:
        found = (len(content) if following is None else following) - header.end
        fault = f"its image has another length than {header.image_bytes} bytes"
    return Record(text, header.end, end, fault, found), following


def _read_header(content: bytes, place: int, may_lack_magic: bool = False) -> tuple[_Header | None, int]:
    """Read the header that begins here, and say where that stopped."""
    magic = _MAGIC_NUMBER.match(content, place)
    if magic is None and not may_lack_magic:
        return None, place
    end = place if magic is None else magic.end()
    numbers: list[int] = []
    while len(numbers) < 3:
        line = _LINE.match(content, end, place + LONGEST_HEADER)
        if line is None:
            cut = content.find(b"\n", end) < 0 and len(content) - end < LONGEST_HEADER
            return None, len(content) if cut else end
        if _MAGIC_NUMBER.match(line[0]):
            return None, end
        words = line[0].partition(b"#")[0].split(maxsplit=3)
        if words and all(word.isdigit() for word in words):
            if any(len(word) > _LONGEST_NUMBER for word in words) or len(numbers) + len(words) > 3:
                return None, line.end()
            numbers.extend(map(int, words))
        end = line.end()
    columns, rows, largest = numbers
    return _Header(end, columns, rows, largest, alone=content.endswith(b"\n%d\n" % largest, place, end)), end


def _next_record(content: bytes, place: int) -> int | None:
    """Find the next ``P5`` from here on with a header behind it, be it one that the end of the file cuts."""
    for _ in range(MOST_BEGINNINGS):
        match = _START_OF_RECORD.search(content, place)
        if match is None:
            return None
        header, stop = _read_header(content, match.start())
        if header is not None or stop == len(content):
            return match.start()
        place = max(stop, match.end())
    return None
