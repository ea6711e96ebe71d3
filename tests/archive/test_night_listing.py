"""Which files of a camera folder are its minutes."""

import os
from pathlib import Path

import pytest

from aurorapt.archive.camera_nights import CameraNight
from aurorapt.archive.night_listing import list_minute_files
from aurorapt.errors import ArchiveError
from tests.archive.touched_minutes import DAY, night_of, touch_minute


def test_lists_minutes_in_time_order_with_twins_checksummed_first(tmp_path: Path) -> None:
    late = touch_minute(tmp_path, 7, 0)
    raw = touch_minute(tmp_path, 6, 1, ".pgm")
    packed = touch_minute(tmp_path, 6, 1, ".pgm.bz2")
    first = touch_minute(tmp_path, 6, 0, ".pgm")
    listing = list_minute_files(night_of(tmp_path))
    assert [minute_file.path for minute_file in listing.minute_files] == [first, packed, late]
    assert listing.minute_files[1].twins == (raw,)
    assert (listing.file_count, listing.size_bytes, listing.problems) == (4, 28, [])


def test_wide_hidden_and_other_files_do_not_count(tmp_path: Path) -> None:
    path = touch_minute(tmp_path, 6, 0)
    for name in ("20140310_0601_gill_themis19_wide_full.pgm.gz", ".20140310_0602_gill_themis19_full.pgm", "full.txt"):
        (path.parent / name).write_bytes(b"content")
    (path.parent / "20140310_0603_gill_themis19_thumb.pgm").write_bytes(b"content")
    (path.parent / ".partial").mkdir()
    (path.parent / ".partial" / "20140310_0604_gill_themis19_full.pgm.gz").write_bytes(b"content")
    listing = list_minute_files(night_of(tmp_path))
    assert [minute_file.path for minute_file in listing.minute_files] == [path]


def test_a_link_loop_and_a_folder_named_like_a_file_are_problems(tmp_path: Path) -> None:
    path = touch_minute(tmp_path, 6, 0)
    (path.parent / "loop").symlink_to(path.parent.parent)
    (path.parent / "itself").symlink_to(path.parent / "itself")
    (path.parent / "20140310_0601_gill_themis19_full.pgm.gz").mkdir()
    os.mkfifo(path.parent / "20140310_0603_gill_themis19_full.pgm")
    (path.parent / "20140310_0602_gill_themis19_full.pgm.gz").symlink_to("nowhere")
    listing = list_minute_files(night_of(tmp_path))
    assert [minute_file.path for minute_file in listing.minute_files] == [path]
    reasons = {Path(problem.file).name: problem.reason for problem in listing.problems}
    assert set(reasons) == {
        "loop",
        "20140310_0601_gill_themis19_full.pgm.gz",
        "20140310_0602_gill_themis19_full.pgm.gz",
        "20140310_0603_gill_themis19_full.pgm",
    }
    assert "already read" in reasons["loop"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_an_unreadable_hour_is_a_problem_and_an_unreadable_camera_an_error(tmp_path: Path) -> None:
    path = touch_minute(tmp_path, 6, 0)
    night = night_of(tmp_path)
    path.parent.chmod(0)
    try:
        assert [problem.file for problem in list_minute_files(night).problems] == [str(path.parent)]
        night.folder.chmod(0)
        with pytest.raises(ArchiveError, match="cannot list"):
            list_minute_files(night)
    finally:
        night.folder.chmod(0o755)
        path.parent.chmod(0o755)


def test_a_camera_folder_that_has_gone_is_an_error(tmp_path: Path) -> None:
    night = CameraNight(DAY, "gill", "themis19", tmp_path / "gone")
    with pytest.raises(ArchiveError, match="cannot list"):
        list_minute_files(night)


def test_the_fingerprint_follows_names_sizes_and_times(tmp_path: Path) -> None:
    path = touch_minute(tmp_path, 6, 0)
    night = night_of(tmp_path)
    fingerprints = [list_minute_files(night).fingerprint, list_minute_files(night).fingerprint]
    assert fingerprints[0] == fingerprints[1]
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1_000_000))
    fingerprints.append(list_minute_files(night).fingerprint)
    path.write_bytes(b"more content")
    fingerprints.append(list_minute_files(night).fingerprint)
    touch_minute(tmp_path, 6, 1)
    fingerprints.append(list_minute_files(night).fingerprint)
    assert len(set(fingerprints[1:])) == 4


@pytest.mark.parametrize(
    "name",
    [
        "20140310_0601_gill_themis19_full.pgm",
        "20140310_0601_GILL_THEMIS19_FULL.PGM.GZ",
        "20140310_060100_gill_themis19_full.pgm.bz2",
        "20140310_060100_123456_gill_themis19_full.pgm.gz",
        "20140310_0601_gill_themis19_500ms_full.pgm.gz",
        "20140310_0601_gill_themis19_full_1000ms.pgm.gz",
        "20140310_0601_gill_themis_full.pgm.gz",
    ],
)
def test_names_of_minutes(tmp_path: Path, name: str) -> None:
    path = touch_minute(tmp_path, 6, 0).with_name(name)
    path.write_bytes(b"content")
    assert path in [minute_file.path for minute_file in list_minute_files(night_of(tmp_path)).minute_files]


@pytest.mark.parametrize(
    "name",
    [
        "20140310_06_gill_themis19_full-average.pgm.gz",
        "20140310_0601_gill_themis19_dark_full.pgm.gz",
        "20140310_0601_gill_themis19_full_dark.pgm.gz",
        "20140310_0601_gill_themis19_wide_full.pgm.gz",
        "20140310_0601_gill_themis19_fullish.pgm",
        "20140310_0601_gill_dark_full.pgm",
        "20140310_0601_gill_average_full.pgm",
        "20140310_0601_gill_themis19_full.pgm.xz",
        "20140310_0601_gill_themis19_full.png",
        "20140310_060_gill_themis19_full.pgm",
        "0601_gill_themis19_full.pgm",
        "copy of 20140310_0601_gill_themis19_full.pgm",
        "20140310_0601_gill_themis19_full (1).pgm",
    ],
)
def test_what_is_no_minute_by_its_name_is_skipped_and_counted(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = touch_minute(tmp_path, 6, 0)
    path.with_name(name).write_bytes(b"content")
    listing = list_minute_files(night_of(tmp_path))
    assert ([minute_file.path for minute_file in listing.minute_files], listing.problems) == ([path], [])
    assert [record.getMessage() for record in caplog.records] == [
        f"{path.parent}: skipped, by name no minute file: 1 file, {name}"
    ]


def test_many_skipped_files_are_one_line_a_folder(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = touch_minute(tmp_path, 6, 0)
    for number in range(9):
        path.with_name(f"{number}.txt").write_bytes(b"")
    list_minute_files(night_of(tmp_path))
    (record,) = caplog.records
    assert "9 files, 0.txt, 1.txt, 2.txt, ..." in record.getMessage()


def test_a_name_that_is_not_utf8_is_skipped_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = touch_minute(tmp_path, 6, 0)
    other = os.fsdecode(os.fsencode(path.parent) + b"/20140310_0601_\xff_full.pgm.gz")
    Path(other).write_bytes(b"content")
    assert len(list_minute_files(night_of(tmp_path)).minute_files) == 1
    assert "20140310_0601_?_full.pgm.gz" in caplog.text


def test_a_camera_folder_with_files_but_no_minute_says_what_it_holds(tmp_path: Path) -> None:
    folder = touch_minute(tmp_path, 6, 0, ".pgm.xz").parent
    (folder / "20140310_0601_gill_themis19_full.png").write_bytes(b"")
    listing = list_minute_files(night_of(tmp_path))
    assert listing.minute_files == []
    (problem,) = listing.problems
    assert problem.file == str(folder.parent)
    assert "holds 2 files (1 .png, 1 .pgm.xz), but no minute file" in problem.reason


def test_an_empty_camera_folder_is_no_problem(tmp_path: Path) -> None:
    (tmp_path / "2014/03/10/gill_themis19").mkdir(parents=True)
    assert list_minute_files(night_of(tmp_path)).problems == []


def test_of_two_imagers_at_one_minute_the_folders_own_is_read(tmp_path: Path) -> None:
    own = touch_minute(tmp_path, 6, 0)
    other = own.with_name("20140310_060030_gill_themis07_full.pgm.gz")
    other.write_bytes(b"content")
    listing = list_minute_files(night_of(tmp_path))
    assert [minute_file.path for minute_file in listing.minute_files] == [own]
    (problem,) = listing.problems
    assert problem.file == str(other)
    assert "gill_themis07 and of gill_themis19; only that of gill_themis19 is read" in problem.reason


def test_of_two_imagers_that_the_folder_does_not_name_neither_is_read(tmp_path: Path) -> None:
    folder = touch_minute(tmp_path, 6, 0).parent.parent
    folder.rename(folder.with_name("gill_themis"))
    (folder.with_name("gill_themis") / "20140310_0600_gill_themis07_full.pgm.gz").write_bytes(b"content")
    listing = list_minute_files(night_of(tmp_path))
    assert listing.minute_files == []
    (problem,) = listing.problems
    assert "none is read" in problem.reason


def test_a_folder_that_cannot_be_looked_at_may_be_readable_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = touch_minute(tmp_path, 6, 0)
    night = night_of(tmp_path)
    scandir = os.scandir

    def failing(folder: str) -> object:
        if folder == str(path.parent):
            raise OSError(5, "Input/output error")
        return scandir(folder)

    monkeypatch.setattr(os, "scandir", failing)
    (problem,) = list_minute_files(night).problems
    assert (problem.file, problem.may_pass) == (str(path.parent), True)
    assert "Input/output error" in problem.reason
