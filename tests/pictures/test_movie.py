"""A movie of a night: every frame, the right way up, with its label, and gaps that show."""

import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import imageio_ffmpeg
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageColor

from aurorapt.errors import OptionError, OutputFullError, ResultsError
from aurorapt.pictures.colours import CLASS_COLOURS
from aurorapt.pictures.encoder import encoder
from aurorapt.pictures.movie import MovieReport, write_movie
from aurorapt.pictures.movie_page import LABEL_Y, LEFT, SIDE, SIZE, MoviePage
from tests.fake_camera import frame_bytes, header, image, write_minute
from tests.pictures.drawn import assert_pixels_as_stored
from tests.pictures.example_frames import (
    START,
    WHOLE_SKY,
    edge_marked,
    open_night,
    rows_of,
    write_early_night,
    write_night,
)

TOLERANCE = 24  # counts of 255 that the compression may change a flat colour by
SWATCH = (LABEL_Y + 16, LEFT + 16)  # the middle of the label's colour: y, x


def pictures_of(path: Path) -> NDArray[np.uint8]:
    """(n, y, x, 3) uint8 [picture, y, x, colour]: all pictures of a movie."""
    frames = imageio_ffmpeg.read_frames(path)
    about: dict[str, Any] = next(frames)
    size = about["size"]
    return np.array([np.frombuffer(frame, np.uint8).reshape(size[1], size[0], 3) for frame in frames])


def make_movie(tmp_path: Path, labels: Sequence[str], minutes: Sequence[int], **options: Any) -> MovieReport:
    csv_file = tmp_path / "20140310_gill_themis_classifications.txt"
    csv_file = csv_file if csv_file.exists() else write_night(tmp_path, rows_of(labels), minutes)
    path = options.pop("path", tmp_path / "night.mp4")
    return write_movie(path, open_night(csv_file, tmp_path / "stream0"), WHOLE_SKY, **options)


def is_colour(pixel: NDArray[np.uint8], colour: str) -> bool:
    return bool(np.abs(pixel.astype(int) - ImageColor.getrgb(colour)).max() <= TOLERANCE)


def test_every_frame_is_there_once_with_the_colour_of_its_class(tmp_path: Path) -> None:
    report = make_movie(tmp_path, ["pulsating"] * 10 + ["no_aurora"] * 10, [0])
    assert (report.frames, report.without_row, report.gaps, report.rows_without_frame) == (20, 0, 0, 0)
    pictures = pictures_of(tmp_path / "night.mp4")
    assert pictures.shape == (20, SIZE[1], SIZE[0], 3)
    assert [is_colour(picture[SWATCH], CLASS_COLOURS["pulsating"]) for picture in pictures] == [True] * 10 + [
        False
    ] * 10
    assert [is_colour(picture[SWATCH], CLASS_COLOURS["no_aurora"]) for picture in pictures] == [False] * 10 + [
        True
    ] * 10


@pytest.mark.parametrize(("times", "frames"), [({}, 60), ({"start": "06:01", "end": "06:02"}, 20)])
def test_the_first_frame_of_a_file_may_be_of_the_minute_before(
    tmp_path: Path, times: dict[str, str], frames: int
) -> None:
    write_early_night(tmp_path)
    report = make_movie(tmp_path, [], [], **times)
    assert (report.frames, report.without_row, report.rows_without_frame) == (frames, 0, 0)


def test_it_plays_everywhere(tmp_path: Path) -> None:
    make_movie(tmp_path, ["pulsating"] * 20, [0], fps=10)
    about: dict[str, Any] = next(imageio_ffmpeg.read_frames(tmp_path / "night.mp4"))
    assert (about["codec"], about["pix_fmt"].split("(")[0], about["fps"]) == ("h264", "yuv420p", 10)
    content = (tmp_path / "night.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat"), "plays while it loads"


def test_a_gif_for_slides(tmp_path: Path) -> None:
    make_movie(tmp_path, ["pulsating"] * 20, [0], path=tmp_path / "night.gif")
    with Image.open(tmp_path / "night.gif") as movie:
        assert (movie.format, movie.n_frames, movie.info["duration"]) == ("GIF", 20, 50)
        colours = np.asarray(movie.convert("RGB")).reshape(-1, 3)
    orange = ImageColor.getrgb(CLASS_COLOURS["pulsating"])
    assert (np.abs(colours.astype(int) - orange).max(axis=1) <= 8).sum() > 300


def test_north_is_up_and_east_to_the_left(tmp_path: Path) -> None:
    for edge, marked in (("up", np.s_[:12, :]), ("left", np.s_[:, :12])):
        folder = tmp_path / edge
        csv_file = write_night(folder, rows_of(["pulsating"]), minutes=())
        write_minute(folder / "stream0", START, [frame_bytes(header(START), edge_marked(*marked))])
        write_movie(folder / "night.mp4", open_night(csv_file, folder / "stream0"), WHOLE_SKY)
        (picture,) = pictures_of(folder / "night.mp4")
        sky = picture[:, :SIDE].mean(axis=2)
        sides = {
            "up": sky[:15, 60:200],
            "down": sky[-15:, 60:200],
            "left": sky[60:200, :15],
            "right": sky[60:200, -15:],
        }
        assert max(sides, key=lambda name: float(np.median(sides[name]))) == edge


def test_a_gap_is_a_card_of_a_second_that_says_so(tmp_path: Path) -> None:
    report = make_movie(tmp_path, ["pulsating"] * 60, [0, 2], fps=10)
    assert (report.frames, report.gaps, report.rows_without_frame) == (40, 1, 20)
    pictures = pictures_of(tmp_path / "night.mp4")
    assert [bool(picture[400:500, :SIDE].std() < 3) for picture in pictures] == [False] * 20 + [True] * 10 + [
        False
    ] * 20


def test_a_damaged_minute_is_a_gap_and_a_problem(tmp_path: Path) -> None:
    csv_file = write_night(tmp_path, rows_of(["pulsating"] * 60))
    damaged = next((tmp_path / "stream0").rglob("*_0601_*"))
    damaged.write_bytes(b"damaged")
    report = write_movie(tmp_path / "night.mp4", open_night(csv_file, tmp_path / "stream0"), WHOLE_SKY)
    assert (report.frames, report.gaps, report.rows_without_frame) == (40, 1, 20)
    assert [problem.file for problem in report.problems] == [str(damaged)]


def test_a_frame_that_has_no_row_is_shown_without_a_label(tmp_path: Path) -> None:
    report = make_movie(tmp_path, ["pulsating"] * 10 + [""] * 10, [0])
    assert (report.frames, report.without_row) == (20, 10)
    pictures = pictures_of(tmp_path / "night.mp4")
    labelled = [is_colour(picture[SWATCH], CLASS_COLOURS["pulsating"]) for picture in pictures]
    assert labelled == [True] * 10 + [False] * 10


@pytest.mark.parametrize(
    ("start", "end", "frames"),
    [("06:01", None, 40), (None, "06:01", 20), ("06:00:30", "06:01:30", 20), ("06:02:57", "23:59", 1)],
)
def test_from_and_to_choose_frames_to_the_second(
    tmp_path: Path, start: str | None, end: str | None, frames: int
) -> None:
    report = make_movie(tmp_path, ["pulsating"] * 60, [0, 1, 2], start=start, end=end)
    assert (report.frames, report.rows_without_frame) == (frames, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"start": "6 o'clock"}, '--from "6 o\'clock" is not a time of day; write it like 06:30'),
        ({"end": "25:00"}, "--to '25:00' is not a time of day"),
        ({"start": "07:00", "end": "06:00"}, "--to 06:00 is not after --from 07:00"),
        ({"start": "08:00"}, "holds no minute from 2014-03-10 08:00:00"),
        ({"start": "06:00:58", "end": "06:01"}, "no frame of 20140310 gill_themis19 could be read"),
        ({"fps": 0}, "--fps 0 must be between 1 and 120 for .mp4"),
        ({"path": Path("night.avi")}, "--output night.avi must end with .mp4, or .gif"),
    ],
)
def test_what_cannot_be_shown_is_refused_and_nothing_is_left(
    tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    before = {"20140310_gill_themis_classifications.txt", "stream0"}
    with pytest.raises(OptionError) as caught:
        make_movie(tmp_path, ["pulsating"] * 60, [0, 1, 2], **options)
    assert message in str(caught.value)
    assert {path.name for path in tmp_path.iterdir()} == before


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        ("echo No space left on device >&2; exit 1", OutputFullError, "No space left on device"),
        ("echo Unknown encoder >&2; cat > /dev/null; exit 1", ResultsError, "Unknown encoder"),
        ("kill -9 $$", ResultsError, "killed by signal 9"),
    ],
)
def test_ffmpeg_that_fails_leaves_the_old_movie(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str, error: type[Exception], message: str
) -> None:
    ffmpeg = tmp_path / "ffmpeg"
    ffmpeg.write_text(f'#!/bin/sh\ncase "$*" in *-version*) exit 0;; esac\n{script}\n')
    ffmpeg.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(ffmpeg))
    (tmp_path / "movie").mkdir()
    (tmp_path / "movie" / "night.mp4").write_text("old")
    with pytest.raises(error, match=message):
        make_movie(tmp_path, ["pulsating"] * 60, [0, 1, 2], path=tmp_path / "movie" / "night.mp4")
    assert [path.name for path in (tmp_path / "movie").iterdir()] == ["night.mp4"]
    assert (tmp_path / "movie" / "night.mp4").read_text() == "old"


def test_nothing_is_held_but_a_picture(tmp_path: Path) -> None:
    """A GIF too: ffmpeg, left to itself, holds all its pictures until it has chosen their colours."""
    process_memory = []
    with encoder(tmp_path / "long.gif", SIZE, 20, ".gif") as movie:
        picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (SIZE[1], SIZE[0], 3), np.uint8))
        for number in range(120):
            movie.add(picture)
            if number in (40, 119):
                process_memory.append(_children_memory())
    assert process_memory[1] - process_memory[0] < 40 * 2**20


def _children_memory() -> int:
    """Give the memory of this process's children, bytes."""
    own = Path("/proc/self/task")
    if not own.is_dir():
        pytest.skip("only Linux tells which children there are")
    children = [child for task in own.iterdir() for child in (task / "children").read_text().split()]
    pages = [int(Path("/proc", child, "statm").read_text().split()[1]) for child in children]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE")


def test_a_page_names_the_time_and_the_camera(tmp_path: Path) -> None:
    """Against a page drawn without the frame: only the sky, the label and the confidence differ."""
    night = open_night(write_night(tmp_path, rows_of(["pulsating"] * 20), (0,)), tmp_path / "stream0").night
    page = MoviePage(night, START, START + timedelta(minutes=1), WHOLE_SKY, ["small print"])
    one, other = (np.asarray(page.frame(image(1), START, place)) for place in (0, None))
    y, x = np.nonzero((one != other).any(axis=2))
    assert x.min() >= LEFT and y.min() >= LABEL_Y and y.max() < LABEL_Y + 90


def test_a_page_is_drawn_as_stored(tmp_path: Path) -> None:
    labels = ["no_aurora"] * 8 + ["pulsating"] * 40 + ["other_aurora"] * 12
    night = open_night(write_night(tmp_path, rows_of(labels), (0,)), tmp_path / "stream0").night
    page = MoviePage(night, START, START + timedelta(minutes=4), WHOLE_SKY, ["small print"])
    both = [page.frame(image(1), START + timedelta(seconds=30), 10), page.gap(START, START + timedelta(minutes=30))]
    pixels = np.vstack([np.asarray(picture.resize((480, 270))) for picture in both])
    assert_pixels_as_stored(pixels, "movie.png")
