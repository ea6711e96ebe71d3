from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image, ImageColor

from aurorapt.pictures.night import SampleFrame, class_colour, draw_night
from tests.fake_camera import image

START = datetime(2014, 3, 10, 6, 0)


def colours_of_row(path: Path, colour: str) -> list[int]:
    """Count the pixels of a colour in each row of a picture."""
    pixels = np.asarray(Image.open(path).convert("RGB"))
    matches: list[int] = (pixels == ImageColor.getrgb(colour)).all(axis=2).sum(axis=1).tolist()
    return matches


def test_a_ribbon_shows_each_class_for_as_long_as_it_lasts(tmp_path: Path) -> None:
    path = tmp_path / "night.png"
    times = [START + timedelta(minutes=number) for number in range(61)]
    classes = ["pulsating"] * 45 + ["no_aurora"] * 16
    sample = SampleFrame(image(1), START, [("pulsating 0.98", "pulsating")])
    draw_night(path, "gill", [sample] * 3, {"found": (times, classes), "truth": (times, ["other_aurora"] * 61)})
    widths = {
        name: max(colours_of_row(path, class_colour(name))) for name in ("pulsating", "no_aurora", "other_aurora")
    }
    assert abs(widths["pulsating"] / widths["other_aurora"] - 0.75) < 0.02
    assert abs(widths["no_aurora"] / widths["other_aurora"] - 0.25) < 0.02


def test_a_gap_in_the_night_is_a_gap_in_the_ribbon(tmp_path: Path) -> None:
    path = tmp_path / "night.png"
    times = [START + timedelta(minutes=number) for number in (*range(0, 15), *range(45, 61))]
    draw_night(path, "gill", [], {"found": (times, ["pulsating"] * 31), "truth": (times[:1] + times[-1:], ["x", "x"])})
    row = max(colours_of_row(path, class_colour("pulsating")))
    width = Image.open(path).width
    assert 0.4 * width < row < 0.55 * width, "29 of 60 minutes are covered"


def test_a_night_without_frames_is_a_picture_too(tmp_path: Path) -> None:
    draw_night(tmp_path / "night.png", "gill", [], {"found": ([], [])})
    assert Image.open(tmp_path / "night.png").width > 100
