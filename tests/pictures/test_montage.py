"""A montage shows frames of each class, evenly in time, and the least certain ones."""

from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageColor

from aurorapt.archive.frames import read_minute
from aurorapt.pictures.colours import CLASS_COLOURS
from aurorapt.pictures.frame_tiles import sky_tile
from aurorapt.pictures.montage import GAP, HEAD_HEIGHT, HEADING_HEIGHT, MARGIN, PER_GROUP, TILE, draw_montage
from aurorapt.pictures.montage_choice import Group, choose_groups
from tests.fake_camera import minute_path
from tests.pictures.drawn import assert_pixels_as_stored
from tests.pictures.example_frames import START, WHOLE_SKY, open_night, rows_of, write_early_night, write_night


def shown(groups: list[Group]) -> list[tuple[str, list[int | None]]]:
    """Give, of each group, its class and the places of its frames."""
    return [(group.name, [None if frame is None else frame.place for frame in group.frames]) for group in groups]


def test_frames_are_spread_evenly_over_each_class(tmp_path: Path) -> None:
    labels = ["no_aurora"] * 12 + ["pulsating"] * 30 + ["no_aurora"] * 18
    night = open_night(write_night(tmp_path, rows_of(labels)), tmp_path / "stream0")
    (one, other, _) = shown(choose_groups(night, 3))
    assert one == ("no_aurora", [5, 45, 55]), "the middle of each ten of the thirty"
    assert other == ("pulsating", [17, 27, 37])


def test_a_class_with_few_frames_shows_them_all(tmp_path: Path) -> None:
    night = open_night(write_night(tmp_path, rows_of(["pulsating"] * 2), (0,)), tmp_path / "stream0")
    assert shown(choose_groups(night, 6))[0] == ("pulsating", [0, 1])


def test_the_least_certain_frames_are_last_and_a_minute_apart(tmp_path: Path) -> None:
    confidences = [0.9] * 60
    confidences[30:33] = [0.5, 0.4, 0.6]
    confidences[2] = 0.7
    night = open_night(write_night(tmp_path, rows_of(["pulsating"] * 60, START, confidences)), tmp_path / "stream0")
    assert shown(choose_groups(night, 2))[-1] == ("", [2, 31])


def test_the_least_certain_frame_may_lie_in_the_file_of_the_next_minute(tmp_path: Path) -> None:
    confidences = [0.9] * 60
    confidences[20] = 0.3
    night = open_night(write_early_night(tmp_path, confidences), tmp_path / "stream0")
    assert 20 in shown(choose_groups(night, 2))[-1][1]


@pytest.mark.parametrize("fault", ["missing", "damaged"])
def test_another_frame_stands_in_for_one_that_cannot_be_read(tmp_path: Path, fault: str) -> None:
    csv_file = write_night(tmp_path, rows_of(["pulsating"] * 60))
    path = minute_path(tmp_path / "stream0", START + timedelta(minutes=1)).with_suffix(".pgm.gz")
    if fault == "missing":
        path.unlink()
    else:
        path.write_bytes(b"damaged")
    night = open_night(csv_file, tmp_path / "stream0")
    assert shown(choose_groups(night, 1))[0] == ("pulsating", [40]), "the middle one was 30, and this is the next to it"
    assert len(night.problems) == (fault == "damaged")


def test_a_tile_says_so_where_none_of_its_frames_can_be_read(tmp_path: Path) -> None:
    labels = ["no_aurora"] * 20 + ["pulsating"] * 20
    night = open_night(write_night(tmp_path, rows_of(labels), (0,)), tmp_path / "stream0")
    assert shown(choose_groups(night, 2)) == [("no_aurora", [5, 15]), ("pulsating", [None, None]), ("", [0])]
    picture = np.asarray(draw_montage(night, WHOLE_SKY))
    y = MARGIN + HEAD_HEIGHT + HEADING_HEIGHT + 5
    tiles = y + (HEADING_HEIGHT + TILE + 102)
    assert (picture[tiles, MARGIN + 5] > 200).all(), "a light card, no sky"


def test_only_the_minutes_that_are_shown_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    night = open_night(write_night(tmp_path, rows_of(["pulsating"] * 200), range(10), 20), tmp_path / "stream0")
    read: list[str] = []

    def noting(minute_file: object, *rest: object) -> object:
        read.append(str(minute_file))
        return read_minute(minute_file, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr("aurorapt.pictures.night_frames.read_minute", noting)
    choose_groups(night, 2)
    assert 2 <= len(read) <= 4


def test_the_picture_has_its_tiles_where_they_belong_with_the_colours_of_their_classes(tmp_path: Path) -> None:
    night = open_night(write_night(tmp_path, rows_of(["pulsating"] * 20), (0,)), tmp_path / "stream0")
    picture = draw_montage(night, WHOLE_SKY, ["small print"])
    assert picture.width == 2 * MARGIN + PER_GROUP * TILE + (PER_GROUP - 1) * GAP
    corner = (MARGIN, MARGIN + HEAD_HEIGHT + HEADING_HEIGHT)
    tile = picture.crop((*corner, corner[0] + TILE, corner[1] + TILE))
    (frame, *_), *_ = (group.frames for group in choose_groups(night, PER_GROUP))
    assert frame is not None
    assert np.array_equal(np.asarray(tile), np.asarray(sky_tile(frame.image, WHOLE_SKY, TILE)))
    assert _has_colour(picture, CLASS_COLOURS["pulsating"])
    assert not _has_colour(picture, CLASS_COLOURS["other_aurora"])


def _has_colour(picture: Image.Image, colour: str) -> bool:
    return bool((np.asarray(picture) == ImageColor.getrgb(colour)).all(axis=2).any())


def test_a_montage_is_drawn_as_stored(tmp_path: Path) -> None:
    labels = ["no_aurora"] * 8 + ["pulsating"] * 40 + ["other_aurora"] * 12
    confidences = [0.9, 0.8, 0.7, 0.6, 0.95, 0.99] * 10
    csv_file = write_night(tmp_path, rows_of(labels, START, confidences), (0, 1, 2))
    picture = draw_montage(open_night(csv_file, tmp_path / "stream0"), WHOLE_SKY, ["small print"])
    assert_pixels_as_stored(np.asarray(picture.resize((picture.width // 5, picture.height // 5))), "montage.png")
