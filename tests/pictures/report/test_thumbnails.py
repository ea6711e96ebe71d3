"""Keograms in the page: in the right place, north up, gaps transparent, never too many bytes."""

import base64
import io
import shutil
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aurorapt.pictures.report import build
from aurorapt.pictures.report.build import write_report
from aurorapt.pictures.report.thumbnails import SIZES, find_camera_night, make_thumbnails
from aurorapt.science.stretches import find_night_files
from tests.fake_camera import frame_bytes, frame_times, header, write_minute
from tests.pictures.report.example_tree import write_tree

START = datetime(2020, 2, 18, 6, 0)


def bright_edge() -> NDArray[np.uint16]:
    """(256, 256) uint16 [y, x]: a dark sky whose first rows, the northern ones, are bright."""
    pixels = np.full((256, 256), 3000, np.uint16)
    pixels[:40] = 20_000
    return pixels


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Minutes 0 to 9 and 20 to 29 of half an hour."""
    folder = tmp_path_factory.mktemp("archive")
    for number in (*range(10), *range(20, 30)):
        minute = START + timedelta(minutes=number)
        write_minute(folder, minute, [frame_bytes(header(time), bright_edge()) for time in frame_times(minute)])
    return folder


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    write_tree(tmp_path / "in", "gill_themis19", "2020-02-18T06:00:00", (30, "pulsating"))
    return tmp_path / "in"


def pixels(text: str) -> NDArray[np.uint8]:
    """Give (height, width, 4) uint8 [y, x, channel]."""
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(text))).convert("RGBA"))


def test_north_is_up_and_a_gap_is_transparent(archive: Path, tree: Path) -> None:
    (night_file,) = find_night_files([tree])
    night = find_camera_night(archive, night_file)
    assert night is not None
    first = int((START - datetime(1970, 1, 1)).total_seconds())
    images = make_thumbnails(night, first, first + 30 * 60 - 3)
    assert len(images) == len(SIZES)
    for text, (width, height, most_bytes) in zip(images, SIZES, strict=True):
        assert 0 < len(text) * 3 // 4 <= most_bytes + 2
        image = pixels(text)
        assert image.shape == (height, width, 4)
        opaque = image[:, :, 3] > 127
        assert opaque[:, : width * 10 // 30].all() and opaque[:, width * 20 // 30 + 1 :].all()
        assert not opaque[:, width * 10 // 30 + 1 : width * 20 // 30 - 1].any()
        assert image[2, : width // 4, 0].min() > 150
        assert image[height // 2 :, : width // 4, 0].max() < 100
        assert image[opaque][:, 0].min() > 30 and image[opaque][:, 0].max() < 230, "gaps are whiter, or blacker"


def test_frames_are_found_in_a_copy_whose_minute_files_lie_side_by_side(
    archive: Path, tree: Path, tmp_path: Path
) -> None:
    site = tmp_path / "copy" / "gill"
    site.mkdir(parents=True)
    for path in archive.glob("*/*/*/*/*/*.pgm*"):
        shutil.copy(path, site)
    assert write_report(tree, tmp_path / "report.html", tmp_path / "copy").anew == 1
    assert "UklGR" in (tmp_path / "report.html").read_text()


def test_frames_are_found_in_a_copy_without_the_number_of_the_camera(archive: Path, tree: Path, tmp_path: Path) -> None:
    day = tmp_path / "copy" / "2020/02/18"
    shutil.copytree(archive / "2020/02/18/gill_themis19", day / "gill_themis")
    (night_file,) = find_night_files([tree])
    found = find_camera_night(tmp_path / "copy", night_file)
    assert found is not None and found.camera == "gill_themis"
    (day / "gill_themis").rename(day / "gill_themis20")
    assert find_camera_night(tmp_path / "copy", night_file) is None, "another camera's frames are not shown"


def test_thumbnails_are_made_once_and_again_when_minutes_come(archive: Path, tree: Path, tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    assert write_report(tree, page, archive).anew == 1
    assert "UklGR" in page.read_text()  # how WebP begins
    assert write_report(tree, page, archive).anew == 0
    write_minute(archive, START + timedelta(minutes=15))
    assert write_report(tree, page, archive).anew == 1
    without = tmp_path / "without.html"
    assert write_report(tree, without).note == ""
    assert "UklGR" not in without.read_text()


def test_a_page_that_would_be_too_large_has_smaller_ones_or_none_and_says_so(
    tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, archive = tmp_path / "report.html", tmp_path / "archive"
    for number in range(5):  # of another sky each, so that the large thumbnail takes many bytes
        write_minute(archive, START + timedelta(minutes=6 * number))
    size = write_report(tree, page).size
    made = write_report(tree, page, archive)
    large = made.size - size
    monkeypatch.setattr(build, "MOST_BYTES", size + large - 1)
    made = write_report(tree, page, archive)
    assert (made.note, made.size < size + large) == (build.SMALLER, True)
    assert "UklGR" in page.read_text() and build.SMALLER in page.read_text()
    monkeypatch.setattr(build, "MOST_BYTES", size)
    made = write_report(tree, page, archive)
    assert made.note == build.LEFT_OUT
    assert "UklGR" not in page.read_text() and build.LEFT_OUT in page.read_text()


def test_another_camera_of_the_site_is_not_taken(archive: Path, tmp_path: Path) -> None:
    write_tree(tmp_path / "in", "gill_themis20", "2020-02-18T06:00:00", (30, "pulsating"))
    (night_file,) = find_night_files([tmp_path / "in"])
    assert find_camera_night(archive, night_file) is None


def test_real_minutes_have_a_keogram(shared_folder: Path, tmp_path: Path) -> None:
    write_tree(tmp_path / "in", "gill_themis19", "2014-03-10T06:00:00", (20, "bad_viewing"))
    made = write_report(tmp_path / "in", tmp_path / "report.html", shared_folder / "stream0")
    assert made.camera_nights == 1
    assert "UklGR" in (tmp_path / "report.html").read_text()
