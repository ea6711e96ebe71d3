"""What is decoded here and what the reader is asked for must be one and the same."""

import gzip
import sys
import zlib
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
import themis_imager_readfile
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from aurorapt.archive import packed_file
from aurorapt.archive.minute_file import RawFrames, read_frames
from aurorapt.errors import FrameError
from tests.fake_camera import minute_frames, write_minute

MINUTE = datetime(2014, 3, 10, 6, 0)
FRAMES = minute_frames(MINUTE, 3)
HEADER_BYTES = FRAMES[0].index(b"\n65535\n") + 7
LINES = FRAMES[0][:HEADER_BYTES].splitlines(keepends=True)
SPOILED_LINES = (
    *(b"", b"\n", b"P5\n", b"P6\n", b"256 256\n", b"65535\n", b"65535\r\n", b"# remark\n", b"\xff\n", b'#"\xff" 1\n'),
    *(b'#"Exposure plus initial readout"\n', b'#"Exposure plus initial readout" "quoted"\n', b'#"Exposure" 1 ms\n'),
    *(b'#"Exposure duration plus readout" 1 ms\n', b'#"Exposure plus', b'#"Site unique ID" gill', b"65535"),
)


@st.composite
def spoiled_frames(draw: st.DrawFn) -> bytes:
    """Three frames in whose headers lines are put, taken out and replaced, and whose end may be cut or added to."""
    headers = [list(LINES) for _ in FRAMES]
    for _ in range(draw(st.integers(1, 2))):
        lines = draw(st.sampled_from(headers))
        place = draw(st.integers(0, len(lines) - 1))
        lines[place : place + draw(st.integers(0, 1))] = [draw(st.sampled_from(SPOILED_LINES))]
    content = b"".join(b"".join(lines) + frame[HEADER_BYTES:] for lines, frame in zip(headers, FRAMES, strict=True))
    end = draw(st.sampled_from([None, None, None, None, -1, -131_072, -131_073]))
    return content[:end] + draw(st.just(b"") | st.sampled_from(SPOILED_LINES))


@settings(
    max_examples=500, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@example(content=b"65535\n" + b"".join(FRAMES))
@example(content=FRAMES[0] + b"65535\n" + FRAMES[1] + FRAMES[2])
@given(content=spoiled_frames())
def test_frames_that_are_given_are_the_readers(tmp_path: Path, content: bytes) -> None:
    """Where no fault is named, all of them and no others; else those that the reader gives too, less what is named.

    Beside a fault that is named, an image may be another than the reader's. Whether the reader is installed makes no
    difference.
    """
    path = write_minute(tmp_path, MINUTE, [content], ending=".pgm")
    frames = outcome(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "themis_imager_readfile", None)
        alone = outcome(path)
    assert isinstance(alone, str) == isinstance(frames, str), (alone, frames)
    if isinstance(frames, str) or isinstance(alone, str):
        return
    np.testing.assert_array_equal(frames.images, alone.images)
    assert frames.faults == alone.faults
    stack, _, problematic = themis_imager_readfile.read(str(path), workers=1, quiet=True)
    if not frames.faults:
        assert problematic == []
        np.testing.assert_array_equal(frames.images, stack.transpose(2, 0, 1))
    elif not problematic:
        # beside a fault the reader may take an image some bytes beside its place, without a word
        images = stack.transpose(2, 0, 1)
        not_the_readers = [image for image in frames.images if not any(np.array_equal(image, one) for one in images)]
        assert len(not_the_readers) <= len(frames.faults)


def outcome(path: Path) -> RawFrames | str:
    """Give the frames of a file, or why there are none."""
    try:
        return read_frames(path)
    except FrameError as error:
        return str(error)


@pytest.mark.parametrize(
    ("spoil", "asks_the_reader"),
    [
        (lambda content: content, False),
        (lambda content: content.replace(b"Exposure plus", b"Exposure and", 1), True),
        (lambda content: content.replace(b"Exposure plus initial", b"Exposure duration plus"), False),
        (lambda content: content.replace(b"P5\n", b"P5\r\n", 1), True),
        (lambda content: content.replace(b'#"Mode', b'# caf\xe9\n#"Mode', 1), True),
    ],
)
def test_only_what_is_plainly_well_formed_does_without_the_reader(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoil: Callable[[bytes], bytes], asks_the_reader: bool
) -> None:
    asked: list[str] = []

    def read(path: str, **options: object) -> tuple[object, object, list[dict[str, str]]]:
        asked.append(path)
        return None, None, [{"error_message": "asked"}]

    monkeypatch.setattr(themis_imager_readfile, "read", read)
    path = write_minute(tmp_path, MINUTE, [spoil(b"".join(FRAMES))])
    if asks_the_reader:
        with pytest.raises(FrameError, match="asked"):
            read_frames(path)
    else:
        assert len(read_frames(path).images) == len(FRAMES)
    assert bool(asked) == asks_the_reader


@pytest.mark.parametrize("without_isal", [False, True])
def test_gzip_files_are_read_with_and_without_isal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, without_isal: bool
) -> None:
    if without_isal:
        monkeypatch.setattr(packed_file, "inflate", zlib)
    path = write_minute(tmp_path, MINUTE, FRAMES)
    packed = path.read_bytes()
    whole = read_frames(path).images
    path.write_bytes(gzip.compress(FRAMES[0]) + gzip.compress(FRAMES[1] + FRAMES[2]) + bytes(9))
    np.testing.assert_array_equal(read_frames(path).images, whole)
    for spoiled in (packed[:-9], packed[:-8] + bytes(4) + packed[-4:], packed + b"more", packed[:99] + packed[100:]):
        path.write_bytes(spoiled)
        with pytest.raises(FrameError, match="cannot be read"):
            read_frames(path)
