"""Keograms from minute files."""

from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from aurorapt.archive.camera_nights import CameraNight, camera_nights
from aurorapt.pictures.geometry import meridian_elevations, rows_at
from aurorapt.pictures.keogram import Keogram, read_keogram
from aurorapt.pictures.time_bins import LENGTHS, MOST_BINS, TimeBins, choose_bins
from tests.fake_camera import frame_bytes, frame_times, header, write_minute

MINUTE = datetime(2014, 3, 10, 6, 0)


def camera_night(stream0: Path) -> CameraNight:
    (night,) = camera_nights(stream0, MINUTE.date(), MINUTE.date())
    return night


def bins(minutes: int, seconds: int = 60) -> TimeBins:
    return TimeBins(np.datetime64(MINUTE, "s"), seconds, minutes * 60 // seconds)


def marked_minute(stream0: Path, minute: datetime, marked: slice, level: int = 3000, frames: int = 20) -> Path:
    """Write a minute whose frames are bright in some rows."""
    pixels = np.full((256, 256), level, np.uint16)
    pixels[marked] = 30000
    return write_minute(stream0, minute, [frame_bytes(header(time), pixels) for time in frame_times(minute, frames)])


def test_row_0_of_the_file_is_the_first_row_of_the_keogram(tmp_path: Path) -> None:
    """The northern edge: readers of the field turn rows over and draw from the bottom, so that it is at the top."""
    marked_minute(tmp_path, MINUTE, np.s_[:5])
    counts = read_keogram(camera_night(tmp_path), bins(1)).counts
    assert (counts[:5] == 30000).all()
    assert (counts[5:] == 3000).all()


def test_the_meridian_is_the_two_columns_beside_the_middle(tmp_path: Path) -> None:
    pixels = np.arange(256, dtype=np.uint16)[None].repeat(256, 0)
    write_minute(tmp_path, MINUTE, [frame_bytes(header(MINUTE), pixels)])
    assert (read_keogram(camera_night(tmp_path), bins(1)).counts == 127.5).all()


def test_a_bin_is_the_mean_of_its_frames_and_white_where_there_are_none(tmp_path: Path) -> None:
    for number, level in ((0, 1000), (1, 2000), (4, 4000)):
        marked_minute(tmp_path, MINUTE + timedelta(minutes=number), np.s_[:0], level)
    keogram = read_keogram(camera_night(tmp_path), bins(6, 120))
    assert keogram.counts[100].tolist()[0] == 1500
    assert np.isnan(keogram.counts[100]).tolist() == [False, True, False]
    assert keogram.frames == 60
    by_minute = read_keogram(camera_night(tmp_path), bins(6)).counts[0]
    assert np.isnan(by_minute).tolist() == [False, False, True, True, False, True]


def test_a_frame_that_is_missing_is_no_gap_but_a_minute_is(tmp_path: Path) -> None:
    marked_minute(tmp_path, MINUTE, np.s_[:0], frames=19)
    marked_minute(tmp_path, MINUTE + timedelta(minutes=1), np.s_[:0])
    marked_minute(tmp_path, MINUTE + timedelta(minutes=3), np.s_[:0])
    counts = read_keogram(camera_night(tmp_path), bins(4, 3)).counts[0]
    assert np.flatnonzero(np.isnan(counts)).tolist() == list(range(40, 60))


def test_a_damaged_file_is_listed_and_costs_no_more_than_itself(tmp_path: Path) -> None:
    marked_minute(tmp_path, MINUTE, np.s_[:0])
    damaged = marked_minute(tmp_path, MINUTE + timedelta(minutes=1), np.s_[:0])
    damaged.write_bytes(damaged.read_bytes()[:500])
    keogram = read_keogram(camera_night(tmp_path), bins(2))
    assert [problem.file for problem in keogram.problems] == [str(damaged)]
    assert np.isnan(keogram.counts[0]).tolist() == [False, True]


def test_minutes_outside_are_not_read(tmp_path: Path) -> None:
    for number in range(10):
        marked_minute(tmp_path, MINUTE + timedelta(minutes=number), np.s_[:0])
    read: list[None] = []
    keogram = read_keogram(camera_night(tmp_path), bins(3), on_minute=lambda: read.append(None))
    assert 3 <= len(read) <= 4
    assert keogram.frames == 60


def test_limits_are_those_of_asilib() -> None:
    rows = np.linspace(1000, 1999, 256 * 4, dtype=np.float32).reshape(256, 4)
    keogram = Keogram(bins(4), rows)
    assert keogram.limits() == pytest.approx(np.quantile(rows, (0.25, 0.98)))
    rows[:20] = 60000
    rows[20, 0] = np.nan
    dark, bright = keogram.limits()
    assert bright == 10 * dark, "as asilib has it"
    assert keogram.limits(np.arange(256) >= 30)[1] < 2000
    assert Keogram(bins(4), np.full((256, 4), np.nan, np.float32)).limits() == (1, 10)
    dark, bright = Keogram(bins(4), np.zeros((256, 4), np.float32)).limits()
    assert 0 < dark < bright


def test_real_minutes_stand_where_they_should(shared_folder: Path) -> None:
    (night,) = camera_nights(shared_folder / "stream0", date(2014, 3, 10), date(2014, 3, 10))
    keogram = read_keogram(night, bins(7))
    there = ~np.isnan(keogram.counts[128])
    assert there.tolist() == [True, True, True, False, False, True, False]
    assert keogram.frames == 80
    assert keogram.problems == []
    assert 3000 < np.nanmedian(keogram.counts) < 9000


def test_elevations_are_those_of_a_real_camera_to_two_degrees(shared_folder: Path) -> None:
    real = np.load(shared_folder / "CNN_model" / "T_angle.npy")[:, 127:129].mean(axis=1)
    wrong = np.abs(meridian_elevations() - real)[real > 0].max()
    assert wrong == pytest.approx(2.02, abs=0.01), "the largest error, degrees, which geometry.py states"


def test_rows_of_an_elevation_are_one_in_the_north_and_one_in_the_south() -> None:
    elevations = meridian_elevations()
    north, south = rows_at(elevations, 30.0)
    assert north + south == pytest.approx(255)
    assert elevations[round(north)] == pytest.approx(30, abs=0.5)
    assert rows_at(elevations, 90.0) == pytest.approx((127, 127), abs=1)


def test_bins_are_as_short_as_the_time_allows() -> None:
    start = np.datetime64("2014-03-10T06:00:01")
    assert choose_bins(start, start + 60) == TimeBins(np.datetime64("2014-03-10T06:00:00"), 3, 21)
    assert choose_bins(start, start + 5 * 3600).seconds == 15
    for hours, seconds in ((1, 3), (2, 6), (6, 30), (12, 60), (23, 60), (25, 120)):
        cut = choose_bins(start, start + np.timedelta64(hours, "h"))
        assert cut.seconds == seconds and cut.count <= MOST_BINS
        assert cut.start <= start and cut.end >= start + np.timedelta64(hours, "h")
    assert list(LENGTHS) == sorted(LENGTHS)
