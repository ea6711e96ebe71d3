"""A frame is only a frame if its bytes say so: lost and added bytes, records of other kinds, comments."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from aurorapt.archive.frames import Minute, read_minute
from aurorapt.archive.night_listing import MinuteFile
from tests.fake_camera import frame_bytes, frame_times, header, image, minute_frames, write_minute

MINUTE = datetime(2014, 3, 10, 6, 0)
TIMES = frame_times(MINUTE)
FRAMES = minute_frames(MINUTE)
HEADER_BYTES = FRAMES[5].index(b"\n65535\n") + 7


def read(folder: Path, frames: Sequence[bytes], *, salvage: bool = False) -> Minute:
    path = write_minute(folder, MINUTE, frames)
    return read_minute(MinuteFile(path), "gill", MINUTE.date(), salvage=salvage)


def with_frame(number: int, content: bytes) -> list[bytes]:
    return [*FRAMES[:number], content, *FRAMES[number + 1 :]]


@pytest.mark.parametrize("number", [0, 5, 18])
@pytest.mark.parametrize("lost", [1, 2, 7, 4096])
def test_a_frame_that_lost_bytes_is_no_frame_and_the_others_stay(tmp_path: Path, number: int, lost: int) -> None:
    frame = FRAMES[number]
    middle = len(frame) // 2
    minute = read(tmp_path, with_frame(number, frame[:middle] + frame[middle + lost :]))
    assert minute.times == TIMES[:number] + TIMES[number + 1 :]
    np.testing.assert_array_equal(minute.images, np.delete(read(tmp_path / "whole", FRAMES).images, number, axis=0))
    (problem,) = minute.problems
    assert (
        problem.reason == f"frame {number + 1} of 20: its image has another length than 131072 bytes: {131072 - lost}"
    )
    assert not problem.may_pass


@pytest.mark.parametrize("number", [0, 5, 19])
@pytest.mark.parametrize("added", [b"\0", b"\n", b"P5\n", b"P5\n#", bytes(5000)])
def test_a_frame_that_gained_bytes_is_no_frame_and_the_others_stay(tmp_path: Path, number: int, added: bytes) -> None:
    frame = FRAMES[number]
    middle = HEADER_BYTES + 60_000
    minute = read(tmp_path, with_frame(number, frame[:middle] + added + frame[middle:]))
    assert minute.times == TIMES[:number] + TIMES[number + 1 :]
    assert f"frame {number + 1} of " in minute.problems[0].reason


def test_bytes_behind_the_last_frame_leave_it_unproved(tmp_path: Path) -> None:
    minute = read(tmp_path, [*FRAMES, b"\n"])
    assert minute.times == TIMES[:19]
    assert [problem.reason for problem in minute.problems] == [
        "frame 20 of 20: its image has another length than 131072 bytes: 131073"
    ]


def record(size: bytes, largest: bytes, pixels: int, number: int = 5) -> bytes:
    lines = header(TIMES[number])
    assert lines[-2:] == [b"256 256", b"65535"]
    return b"\n".join([*lines[:-2], size, largest]) + b"\n" + bytes(pixels)


@pytest.mark.parametrize("number", [0, 5, 19])
@pytest.mark.parametrize(
    ("size", "largest", "pixels", "reason"),
    [
        (b"376 1", b"65535", 752, "an image size of '376 1' where '256 256' is expected"),
        (b"512 512", b"65535", 2 * 512 * 512, "an image size of '512 512' where '256 256' is expected"),
        (b"256 256", b"255", 65536, "a largest value of 255 where 65535 is expected"),
        (b"256 256", b"4095", 131072, "a largest value of 4095 where 65535 is expected"),
        (b"512 512", b"65535", 131072, "an image size of '512 512' where '256 256' is expected"),
    ],
)
def test_a_record_of_another_kind_is_a_problem_of_that_record_only(
    tmp_path: Path, number: int, size: bytes, largest: bytes, pixels: int, reason: str
) -> None:
    minute = read(tmp_path, with_frame(number, record(size, largest, pixels, number)))
    assert minute.times == TIMES[:number] + TIMES[number + 1 :]
    assert [problem.reason for problem in minute.problems] == [f"frame {number + 1} of 20: {reason}"]


def commented(number: int, *lines: tuple[int, bytes]) -> bytes:
    """Give a frame with lines put into its header, each before the line of that number from the end."""
    head = header(TIMES[number])
    for place, line in lines:
        head.insert(len(head) - place, line)
    return b"\n".join(head) + b"\n" + FRAMES[number][HEADER_BYTES_OF[number] :]


HEADER_BYTES_OF = [frame.index(b"\n65535\n") + 7 for frame in FRAMES]


@pytest.mark.parametrize("line", [b"# remark", b"#", b"# made for P5", b"# 376 1", b"# caf\xe9", b'#"Note" ends in P5'])
@pytest.mark.parametrize("place", [1, 2, 4])
def test_comments_in_a_header_are_legal(tmp_path: Path, line: bytes, place: int) -> None:
    frames = [commented(number, (place, line)) for number in range(20)]
    minute = read(tmp_path, frames)
    assert (minute.times, minute.problems) == (TIMES, [])
    np.testing.assert_array_equal(minute.images, read(tmp_path / "whole", FRAMES).images)


def test_size_on_two_lines_is_legal(tmp_path: Path) -> None:
    minute = read(tmp_path, with_frame(5, FRAMES[5].replace(b"\n256 256\n", b"\n256\n256\n", 1)))
    assert (minute.times, minute.problems) == (TIMES, [])


def test_a_header_that_is_cut_by_the_next_record_costs_its_frame(tmp_path: Path) -> None:
    minute = read(tmp_path, with_frame(5, FRAMES[5][:100].rpartition(b"\n")[0] + b"\n"))
    assert minute.times == TIMES[:5] + TIMES[6:]
    assert [problem.reason for problem in minute.problems] == ["unreadable data before frame 6"]


@pytest.mark.parametrize("size", [b"0 0", b"99999999999 1", b"1 2 3 4", b"-1 -1", b"256 x", b""])
def test_nonsense_for_a_size_costs_its_frame(tmp_path: Path, size: bytes) -> None:
    minute = read(tmp_path, with_frame(5, FRAMES[5].replace(b"\n256 256\n", b"\n" + size + b"\n", 1)))
    assert minute.times == TIMES[:5] + TIMES[6:]
    assert len(minute.problems) == 1


def test_a_file_of_beginnings_takes_no_time(tmp_path: Path) -> None:
    """Each looks like a header that goes on to the next; 60 MB of them took for ever if each were read to the end."""
    path = tmp_path / "20140310_0600_gill_themis19_full.pgm"
    path.write_bytes(b"P5\n#\n" * 10_000_000)
    (problem,) = read_minute(MinuteFile(path), "gill", MINUTE.date(), file_timeout=30).problems
    assert problem.reason == "no image data"


def test_a_record_may_hold_what_looks_like_a_beginning(tmp_path: Path) -> None:
    pixels = image(5).copy()
    pixels.ravel()[1000:1004] = np.frombuffer(b"P5\n#P5\n1", ">u2")
    minute = read(tmp_path, with_frame(5, frame_bytes(header(TIMES[5]), pixels)))
    assert (minute.times, minute.problems) == (TIMES, [])
    np.testing.assert_array_equal(minute.images[5], pixels)


def test_numbers_without_end_take_no_time(tmp_path: Path) -> None:
    path = tmp_path / "20140310_0600_gill_themis19_full.pgm"
    path.write_bytes(b"P5\n" + b"1 " * 32_000 + b"x\n")
    (problem,) = read_minute(MinuteFile(path), "gill", MINUTE.date(), file_timeout=10).problems
    assert not problem.may_pass


def test_damage_of_one_kind_in_many_places_is_one_problem(tmp_path: Path) -> None:
    minute = read(tmp_path, [b"P5\n#cut\n" + frame for frame in FRAMES])
    assert minute.times == TIMES
    assert [(problem.count, problem.reason) for problem in minute.problems] == [
        (20, "unreadable data before frame 1, and at 19 other places")
    ]
    hurt = [frame[:50_000] + frame[50_000 + number + 1 :] for number, frame in enumerate(FRAMES)]
    assert read(tmp_path / "hurt", [*hurt, FRAMES[0]]).problems[0].count == 20
