"""Frames of a night and the rows that are of them."""

import gzip
import json
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from aurorapt.errors import ArchiveError
from aurorapt.results.companion import companion_path
from tests.example_results import companion
from tests.fake_camera import frame_bytes, header, image, minute_frames, write_minute
from tests.pictures.example_frames import START, open_night, rows_of, write_night


def test_each_frame_has_its_own_row(tmp_path: Path) -> None:
    night = open_night(write_night(tmp_path, rows_of(["pulsating"] * 60)), tmp_path / "stream0")
    assert list(night.minutes) == ["20140310_0600", "20140310_0601", "20140310_0602"]
    frames = night.read("20140310_0601")
    assert [frame.place for frame in frames] == list(range(20, 40))
    assert frames[0].time.replace(microsecond=0) == START + timedelta(minutes=1)
    assert night.read("20140310_0730") == []


def test_of_frames_within_one_second_the_one_read_last_has_the_row(tmp_path: Path) -> None:
    csv_file = write_night(tmp_path, rows_of(["pulsating"]), minutes=())
    times = [START + timedelta(milliseconds=part) for part in (100, 900, 500)]
    content = [frame_bytes(header(time), image(number)) for number, time in enumerate(times)]
    write_minute(tmp_path / "stream0", START, content)
    frames = open_night(csv_file, tmp_path / "stream0").read("20140310_0600")
    assert [frame.place for frame in frames] == [None, 0, None], "in order of time, the third in the file is second"
    assert np.array_equal(frames[1].image, image(2))


def test_frames_that_have_no_row_are_frames_all_the_same(tmp_path: Path) -> None:
    rows = rows_of([*["pulsating"] * 5, *[""] * 5, *["no_aurora"] * 10])
    frames = open_night(write_night(tmp_path, rows), tmp_path / "stream0").read("20140310_0600")
    assert [frame.place for frame in frames] == [*range(5), *[None] * 5, *range(5, 15)]


def test_a_damaged_file_is_a_problem_and_gives_frames_where_its_night_was_salvaged(tmp_path: Path) -> None:
    csv_file = write_night(tmp_path, rows_of(["pulsating"] * 20), minutes=())
    path = write_minute(tmp_path / "stream0", START)
    path.write_bytes(gzip.compress(b"".join(minute_frames(START))[:-1000]))
    night = open_night(csv_file, tmp_path / "stream0")
    assert night.read("20140310_0600") == []
    assert [problem.file for problem in night.problems] == [str(path)]
    about = companion(csv_file.read_text(), camera_night="20140310 gill_themis19", salvage=True)
    companion_path(csv_file).write_text(json.dumps(asdict(about)))
    assert len(open_night(csv_file, tmp_path / "stream0").read("20140310_0600")) == 19


def test_an_archive_that_does_not_hold_the_night_is_said(tmp_path: Path) -> None:
    csv_file = write_night(tmp_path, rows_of(["pulsating"] * 20))
    (tmp_path / "empty").mkdir()
    with pytest.raises(ArchiveError, match="empty holds no camera of the site on 2014-03-10"):
        open_night(csv_file, tmp_path / "empty")
    write_minute(tmp_path / "other", START + timedelta(hours=3), 1)
    with pytest.raises(
        ArchiveError, match=r"holds no minute that .*classifications\.txt has rows of; give the --stream0"
    ):
        open_night(csv_file, tmp_path / "other")
