import bz2
import gzip
import itertools
from collections.abc import Callable, Sequence
from datetime import date, datetime
from pathlib import Path

import numpy as np
import pytest
import themis_imager_readfile

from aurorapt.archive.frames import Minute, read_minute
from aurorapt.archive.night_listing import MinuteFile
from tests.fake_camera import (
    frame_bytes,
    frame_times,
    header,
    image,
    minute_frames,
    without,
    write_minute,
)

MINUTE = datetime(2014, 3, 10, 6, 0)
TIMES = frame_times(MINUTE)


def read(*paths: Path, site: str = "gill") -> Minute:
    return read_minute(MinuteFile(paths[0], paths[1:]), site, MINUTE.date())


def read_frames(tmp_path: Path, frames: Sequence[bytes]) -> Minute:
    return read(write_minute(tmp_path, MINUTE, frames))


def frames_with(number: int, lines: Sequence[bytes]) -> list[bytes]:
    frames = minute_frames(MINUTE)
    frames[number] = frame_bytes(lines, image(number))
    return frames


@pytest.mark.parametrize("ending", [".pgm", ".pgm.gz", ".pgm.bz2"])
def test_reads_what_the_reader_reads(tmp_path: Path, ending: str) -> None:
    path = write_minute(tmp_path, MINUTE, ending=ending)
    minute = read(path)
    stack, metadata, _ = themis_imager_readfile.read(str(path), workers=1, quiet=True)
    assert minute.images.shape == (20, 256, 256)
    assert minute.images.dtype == np.uint16
    assert minute.images.flags.c_contiguous
    np.testing.assert_array_equal(minute.images, stack.transpose(2, 0, 1))
    assert [f"{time:%Y-%m-%d %H:%M:%S.%f} UTC" for time in minute.times] == [
        entry["Image request start"] for entry in metadata
    ]
    assert minute.problems == []


@pytest.mark.parametrize("frames", [1, 19, 21])
def test_reads_minutes_of_other_lengths(tmp_path: Path, frames: int) -> None:
    minute = read_frames(tmp_path, minute_frames(MINUTE, frames))
    assert len(minute.images) == len(minute.times) == frames
    assert minute.problems == []


def test_a_missing_closing_line_does_not_shift_the_times(tmp_path: Path) -> None:
    """The reader pairs by counting and is off by one from there on; see the module's docstring."""
    path = write_minute(tmp_path, MINUTE, frames_with(5, without(header(TIMES[5]), "Exposure plus initial readout")))
    _, metadata, _ = themis_imager_readfile.read(str(path), workers=1, quiet=True)
    assert metadata[5]["Image request start"].startswith(f"{TIMES[6]:%Y-%m-%d %H:%M:%S}")
    minute = read(path)
    assert minute.times == TIMES
    assert minute.problems == []


def test_a_lost_image_and_a_missing_closing_line_do_not_shift_the_times(tmp_path: Path) -> None:
    """Two faults that leave the reader with equal counts, and wrong times in between."""
    frames = frames_with(9, without(header(TIMES[9]), "Exposure plus initial readout"))
    frames[4] = frames[4].replace(b"\n65535\n", b"\n6553x\n", 1)
    minute = read_frames(tmp_path, frames)
    assert [problem.reason for problem in minute.problems] == ["unreadable data before frame 5"]
    assert minute.times == TIMES[:4] + TIMES[5:]
    np.testing.assert_array_equal(minute.images[4], read_frames(tmp_path / "whole", minute_frames(MINUTE)).images[5])


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (without(header(TIMES[3]), "Image request start"), "no times"),
        ([line.replace(b"2014-03-10", b"2014-13-10") for line in header(TIMES[3])], "does not exist"),
        ([line.replace(b'request start" 2014', b'request start" 20x4') for line in header(TIMES[3])], "cannot be read"),
        ([*header(TIMES[3])[:8], *header(TIMES[4])[7:]], "2 times"),
        (header(datetime(2014, 3, 11, 0, 0)), "outside the folder's date"),
        (header(TIMES[3], site="fsim"), "the header says site 'fsim'"),
        ([line.replace(b'Mode unique ID" full', b'Mode unique ID" wide') for line in header(TIMES[3])], "'wide'"),
    ],
)
def test_a_frame_that_cannot_be_trusted_costs_only_itself(tmp_path: Path, lines: list[bytes], reason: str) -> None:
    minute = read_frames(tmp_path, frames_with(3, lines))
    assert minute.times == TIMES[:3] + TIMES[4:]
    assert len(minute.images) == 19
    (problem,) = minute.problems
    assert problem.file.endswith("_full.pgm.gz")
    assert problem.reason.startswith("frame 4 of 20: ")
    assert reason in problem.reason


def stating(number: int, *lines: bytes) -> list[bytes]:
    """Give the header of a frame with lines put in before its size."""
    head = header(TIMES[number])
    return [*head[:-2], *lines, *head[-2:]]


def test_of_two_sites_the_last_one_counts(tmp_path: Path) -> None:
    other = [b'#"Site unique ID" whit', *header(TIMES[3])[1:]]
    assert read_frames(tmp_path, frames_with(3, [header(TIMES[3])[0], *other])).problems == []
    wrong = read_frames(tmp_path / "wrong", frames_with(3, stating(3, b'#"Site unique ID" whit')))
    assert wrong.times == TIMES[:3] + TIMES[4:]


def test_a_time_that_is_there_twice_is_no_fault(tmp_path: Path) -> None:
    (line,) = [line for line in header(TIMES[3]) if b"request start" in line]
    assert read_frames(tmp_path, frames_with(3, stating(3, line))).problems == []


def test_the_same_fault_in_many_frames_is_one_problem_with_a_count(tmp_path: Path) -> None:
    frames = minute_frames(MINUTE)
    for number in range(4, 9):
        frames[number] = frames[number].replace(b"Image request start", b"Image Request Start", 1)
    frames[11] = frames[11].replace(b"2014-03-10", b"2014-03-11", 1)
    minute = read_frames(tmp_path, frames)
    assert [(problem.count, problem.reason) for problem in minute.problems] == [
        (5, "5 of 20 frames, the first is frame 5: no times ('Image request start') in its header"),
        (1, f"frame 12 of 20: its time is outside the folder's date 2014-03-10: {TIMES[11].replace(day=11)}"),
    ]


def test_a_time_without_a_fraction_is_a_time(tmp_path: Path) -> None:
    whole = datetime(2014, 3, 10, 6, 0, 9)
    minute = read_frames(tmp_path, frames_with(3, [line.replace(b".000000 UTC", b" UTC") for line in header(whole)]))
    assert minute.times[3] == whole
    assert minute.problems == []


def test_without_a_site_the_folder_speaks(tmp_path: Path) -> None:
    frames = [frame_bytes(without(header(time), "Site unique ID"), image(1)) for time in TIMES]
    minute = read_frames(tmp_path, frames)
    assert minute.times == TIMES
    assert minute.problems == []


def damaged(content: bytes, damage: str) -> bytes:
    plain = gzip.decompress(content)
    return {
        "empty": b"",
        "not gzip": plain,
        "truncated": content[: len(content) // 2],
        "wrong checksum": content[:-8] + b"\0\0\0\0" + content[-4:],
        "flipped": content[:5000] + bytes([content[5000] ^ 255]) + content[5001:],
        "no image": gzip.compress(plain[:200]),
        "image cut short": gzip.compress(plain[:-100]),
        "not ASCII": gzip.compress(plain.replace(b"themis-gbo", b"themis\xffgbo", 1)),
        "other size": gzip.compress(plain.replace(b"256 256", b"512 256", 1)),
        "no closing line at all": gzip.compress(plain.replace(b"Exposure plus initial readout", b"Exposure")),
        "starts with an image": gzip.compress(b"256 256\n65535\n" + b"\0" * 100),
        "zeros": gzip.compress(b"\0" * 10_000),
    }[damage]


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ("empty", "no image data"),
        ("not gzip", "plain PGM in a .gz file"),
        ("truncated", "cannot be read"),
        ("wrong checksum", "cannot be read"),
        ("flipped", "cannot be read"),
        ("no image", "no image data"),
        ("image cut short", "image 20 is cut short"),
        ("not ASCII", "a header is not ASCII, at frame 1"),
        ("no closing line at all", "no frame has a complete header"),
        ("starts with an image", "cut short|'256 256'"),
        ("zeros", "no image data"),
    ],
)
def test_an_unreadable_file_is_one_problem_and_its_twin_serves(tmp_path: Path, damage: str, reason: str) -> None:
    path = write_minute(tmp_path, MINUTE)
    path.write_bytes(damaged(path.read_bytes(), damage))
    minute = read(path)
    assert minute.images.shape == (0, 256, 256)
    assert minute.times == []
    (problem,) = minute.problems
    assert problem.file == str(path)
    assert not problem.may_pass
    assert any(part in problem.reason for part in reason.split("|")), problem.reason

    twin = write_minute(tmp_path, MINUTE, ending=".pgm")
    minute = read(path, twin)
    assert minute.times == TIMES
    assert minute.problems == [problem]


def test_a_file_cut_in_a_header_says_so(tmp_path: Path) -> None:
    frames = minute_frames(MINUTE)
    minute = read_frames(tmp_path, [*frames[:10], frames[10][:100]])
    assert minute.times == TIMES[:10]
    assert [problem.reason for problem in minute.problems] == ["file ends inside the header after frame 10"]


def test_of_two_twins_that_are_not_full_the_longer_serves(tmp_path: Path) -> None:
    short = write_minute(tmp_path, MINUTE, 2)
    longer = write_minute(tmp_path, MINUTE, 19, ending=".pgm")
    assert read(short, longer).times == TIMES[:19]


def test_a_missing_file_is_a_problem(tmp_path: Path) -> None:
    minute = read(tmp_path / "20140310_0600_gill_themis19_full.pgm.gz")
    assert "No such file" in minute.problems[0].reason
    assert minute.problems[0].may_pass


def test_a_file_far_too_large_is_refused_in_bounded_memory(tmp_path: Path) -> None:
    path = tmp_path / "20140310_0600_gill_themis19_full.pgm"
    with path.open("wb") as file:
        file.truncate(10 * 2**30)
    assert "not a minute file" in read(path).problems[0].reason


def test_real_minutes(shared_folder: Path) -> None:
    folder = shared_folder / "stream0/2014/03/10/gill_themis19/ut06"
    for path in sorted(folder.iterdir()):
        minute = read_minute(MinuteFile(path), "gill", date(2014, 3, 10))
        assert minute.images.shape == (20, 256, 256)
        assert minute.problems == []
        assert [time.second for time in minute.times] == list(range(0, 60, 3))


def salvage(path: Path, *twins: Path) -> Minute:
    return read_minute(MinuteFile(path, twins), "gill", MINUTE.date(), salvage=True)


@pytest.mark.parametrize("ending", [".pgm", ".pgm.gz", ".pgm.bz2"])
def test_salvage_keeps_the_whole_frames_of_a_truncated_file(tmp_path: Path, ending: str) -> None:
    path = write_minute(tmp_path, MINUTE, ending=ending)
    whole = read(path).images
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 4 // 7])
    assert read(path).times == []
    minute = salvage(path)
    kept = len(minute.times)
    assert minute.salvaged
    assert 5 <= kept < 15
    assert minute.times == TIMES[:kept]
    np.testing.assert_array_equal(minute.images, whole[:kept])
    assert minute.images.dtype == np.uint16
    assert minute.problems[0].reason.endswith(f"; {kept} intact frames salvaged")


@pytest.mark.parametrize(
    ("damage", "kept"),
    [
        ("image cut short", range(19)),
        ("not ASCII", range(1, 20)),
        ("no closing line at all", range(20)),
        ("wrong checksum", ()),
        ("flipped", ()),
        ("empty", ()),
        ("not gzip", range(20)),
        ("zeros", ()),
    ],
)
def test_salvage_keeps_no_frame_that_cannot_be_trusted(tmp_path: Path, damage: str, kept: Sequence[int]) -> None:
    path = write_minute(tmp_path, MINUTE)
    path.write_bytes(damaged(path.read_bytes(), damage))
    minute = salvage(path)
    assert minute.times == [TIMES[number] for number in kept]
    assert minute.salvaged == bool(kept)
    assert f"{len(kept)} intact frames salvaged" in minute.problems[0].reason


@pytest.mark.parametrize("ending", [".pgm", ".pgm.gz", ".pgm.bz2"])
@pytest.mark.parametrize("content", [".pgm", ".pgm.gz", ".pgm.bz2"])
def test_salvage_reads_by_content(tmp_path: Path, ending: str, content: str) -> None:
    packed = write_minute(tmp_path / "other", MINUTE, ending=content).read_bytes()
    path = write_minute(tmp_path, MINUTE, ending=ending)
    path.write_bytes(packed)
    if ending == content:
        assert read(path).times == TIMES
        return
    kind = {".pgm": "plain PGM", ".pgm.gz": "gzip", ".pgm.bz2": "bzip2"}[content]
    reason = f"{kind} in a {path.suffix} file"
    assert [problem.reason for problem in read(path).problems] == [reason]
    minute = salvage(path)
    assert (minute.times, minute.salvaged) == (TIMES, True)
    assert [problem.reason for problem in minute.problems] == [f"{reason}; 20 intact frames salvaged"]


@pytest.mark.parametrize(("ending", "compress"), [(".pgm.gz", gzip.compress), (".pgm.bz2", bz2.compress)])
@pytest.mark.parametrize("damaged_member", [0, 7, 19])
def test_salvage_goes_on_behind_a_damaged_member(
    tmp_path: Path, ending: str, compress: Callable[[bytes], bytes], damaged_member: int
) -> None:
    members = [compress(frame) for frame in minute_frames(MINUTE)]
    path = write_minute(tmp_path, MINUTE, ending=ending)
    path.write_bytes(b"".join(members))
    assert read(path).times == TIMES
    hurt = bytearray(members[damaged_member])
    hurt[len(hurt) // 2] ^= 255
    path.write_bytes(b"".join([*members[:damaged_member], bytes(hurt), *members[damaged_member + 1 :]]))
    assert read(path).times == []
    assert salvage(path).times == TIMES[:damaged_member] + TIMES[damaged_member + 1 :]


def test_streams_that_bzip2_passes_over_are_a_problem(tmp_path: Path) -> None:
    """Python's bz2 takes damage at the start of a later stream for the end of the file, and says nothing."""
    streams = [bz2.compress(frame) for frame in minute_frames(MINUTE)]
    path = write_minute(tmp_path, MINUTE, ending=".pgm.bz2")
    path.write_bytes(b"".join([*streams[:10], b"X" + streams[10][1:], *streams[11:]]))
    minute = read(path)
    assert minute.times == TIMES[:10]
    assert [problem.reason for problem in minute.problems] == ["what follows bzip2 stream 10 is none, and is lost"]
    minute = salvage(path)
    assert minute.times == TIMES[:10] + TIMES[11:]
    assert "data lost before frame 11" in [problem.reason for problem in minute.problems]


def test_a_gzip_member_of_zeros_is_a_problem(tmp_path: Path) -> None:
    members = [gzip.compress(frame) for frame in minute_frames(MINUTE)]
    path = write_minute(tmp_path, MINUTE)
    path.write_bytes(b"".join([*members[:10], bytes(len(members[10])), *members[11:]]))
    minute = read(path)
    assert minute.times == TIMES[:10] + TIMES[11:]
    assert [problem.reason for problem in minute.problems] == [
        "what followed gzip stream 10 was overwritten with zeros"
    ]
    path.write_bytes(b"".join(members) + bytes(512))
    assert read(path).problems == []


def test_salvage_takes_no_header_whose_beginning_is_lost(tmp_path: Path) -> None:
    content = b"".join(minute_frames(MINUTE, 4))
    second = content.index(b"P5\n", 10)
    members = [
        bytearray(gzip.compress(part))
        for part in (content[:second], content[second : second + 60], content[second + 60 :])
    ]
    members[1][len(members[1]) // 2] ^= 255
    path = write_minute(tmp_path, MINUTE)
    path.write_bytes(b"".join(members))
    assert salvage(path).times == [TIMES[0], *TIMES[2:4]]


def test_an_unreadable_copy_of_a_full_minute_costs_no_other_look(tmp_path: Path) -> None:
    path = write_minute(tmp_path, MINUTE, ending=".pgm")
    minute = read(tmp_path / "20140310_0600_gill_themis19_full.pgm.gz", path)
    assert minute.times == TIMES
    (problem,) = minute.problems
    assert not problem.may_pass


def test_salvage_joins_what_several_members_hold(tmp_path: Path) -> None:
    """Members need not end where frames do."""
    content = b"".join(minute_frames(MINUTE))
    cuts = [0, 100_000, 400_001, 1_000_000, len(content)]
    members = [gzip.compress(content[start:end]) for start, end in itertools.pairwise(cuts)]
    path = write_minute(tmp_path, MINUTE)
    path.write_bytes(b"".join(members)[:-200])
    minute = salvage(path)
    assert minute.times == TIMES[:19]
    assert minute.problems[-1].reason == "frame 20 of 20: its image is cut short"


def test_a_wrong_block_of_a_bzip2_file_costs_what_follows(tmp_path: Path) -> None:
    path = write_minute(tmp_path, MINUTE, ending=".pgm.bz2")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)
    minute = salvage(path)
    kept = len(minute.times)
    assert 5 <= kept < 15
    np.testing.assert_array_equal(minute.images, read_frames(tmp_path / "whole", minute_frames(MINUTE)).images[:kept])


def test_a_whole_twin_is_better_than_a_salvaged_copy(tmp_path: Path) -> None:
    path = write_minute(tmp_path, MINUTE)
    path.write_bytes(damaged(path.read_bytes(), "no closing line at all"))
    twin = write_minute(tmp_path, MINUTE, ending=".pgm")
    minute = salvage(path, twin)
    assert not minute.salvaged
    assert minute.times == TIMES


def test_whole_files_are_not_salvaged(tmp_path: Path) -> None:
    minute = salvage(write_minute(tmp_path, MINUTE))
    assert (len(minute.times), minute.salvaged, minute.problems) == (20, False, [])
