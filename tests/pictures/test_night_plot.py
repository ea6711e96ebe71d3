"""A night drawn: what is where, and what is white."""

import json
import re
import subprocess
import sys
from dataclasses import asdict
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pytest
from matplotlib.figure import Figure
from PIL import ImageColor

from aurorapt.archive.camera_nights import camera_nights
from aurorapt.archive.frames import read_minute
from aurorapt.archive.night_listing import list_minute_files
from aurorapt.ephemeris import horizontal, moon_at, sidereal_angle_at
from aurorapt.errors import OptionError
from aurorapt.pictures.colours import CLASS_COLOURS, OTHER_COLOURS, class_colours
from aurorapt.pictures.figures import ENDINGS, figure_bytes, save_figure
from aurorapt.pictures.geometry import meridian_elevations, rows_at
from aurorapt.pictures.keogram import Keogram, read_keogram
from aurorapt.pictures.night_data import Night, read_one_night
from aurorapt.pictures.night_plot import night_bins, plot_night
from aurorapt.results.companion import companion_path
from aurorapt.science.magnetic_time import days_since_j2000, magnetic_local_time
from aurorapt.themis_sites import SITES
from tests.example_results import companion
from tests.fake_camera import frame_bytes, frame_times, header, write_minute
from tests.pictures.drawn import all_texts, assert_as_stored, panel, panels, pixels, texts
from tests.science.example_nights import blocks, write_file, write_nights

WHITE = 255
START = "2020-02-18T08:00:00"
PARTS = ((40, "no_aurora"), (60, "pulsating"), (1, ""), (30, "pulsating"), (49, "other_aurora"))


def refuse(path: Path, reason: str) -> None:
    pytest.fail(f"{path}: {reason}")


def night_of(folder: Path, *parts: tuple[int, str], camera: str = "gill_themis", **about: Any) -> Night:
    """Write blocks of classes as a night's result and read it; what is told ``about`` it goes into a companion."""
    (path,) = write_nights(folder, camera, blocks(START, *(parts or PARTS)))
    if about:
        companion_path(path).write_text(json.dumps(asdict(companion(path.read_text(), **about))))
    return read_one_night(path, refuse)


def keogram_of(night: Night) -> Keogram:
    """Make a keogram with a bright north that has the gaps of the night."""
    bins = night_bins(night)
    counts = np.linspace(20000, 3000, 256, dtype=np.float32)[:, None].repeat(bins.count, 1)
    held = bins.held(np.bincount(bins.places(night.times), minlength=bins.count) > 0)
    counts[:, held < 0] = np.nan
    return Keogram(bins, counts)


def white_columns(image: Any) -> np.ndarray[Any, Any]:
    columns: np.ndarray[Any, Any] = (image == WHITE).all(axis=(0, 2))
    return columns


def test_a_minute_without_frames_is_white_in_every_panel_and_no_other_is(tmp_path: Path) -> None:
    night = night_of(tmp_path)
    figure = plot_night(night, keogram_of(night), truth=[night.classes[label] for label in night.labels])
    drawn = panels(figure)
    assert list(drawn) == [
        "elevation",
        "labels",
        "truth",
        "smoothed",
        "events",
        "probability",
        "confidence",
        "raw counts",
    ]
    (event,) = night.events
    assert event.start < "2020-02-18T09:40" and event.end > "2020-02-18T09:41", (
        "an event goes on across a gap this short"
    )
    for name in list(drawn)[:-1]:
        white = white_columns(panel(figure, drawn[name]))
        minute = len(white) / 180
        gap = white[round(100 * minute) + 1 : round(101 * minute) - 1]
        assert len(gap) >= 7 and gap.all(), f"{name}: the gap is white"
        beside = white[round(92 * minute) : round(99.7 * minute)], white[round(101.3 * minute) : round(105 * minute)]
        assert not np.concatenate(beside).any(), f"{name}: what is beside it is not"


def test_a_gap_of_one_minute_shows_in_a_whole_day(tmp_path: Path) -> None:
    rows = blocks("2020-02-18T00:00:00", (600, "pulsating"), (1, ""), (600, "pulsating"), (200, ""), (39, "pulsating"))
    (path,) = write_nights(tmp_path, "gill_themis", rows)
    for width in (180, 84):
        figure = plot_night(read_one_night(path, refuse), width=width)
        for name in ("labels", "smoothed", "probability", "confidence"):
            white = white_columns(panel(figure, panels(figure)[name]))
            minute = len(white) / 1440
            assert white[round(600 * minute) - 1 : round(601 * minute) + 1].sum() in (1, 2), name
            assert white.sum() == pytest.approx(201 * minute, abs=3), name


def test_times_are_where_they_should_be(tmp_path: Path) -> None:
    figure = plot_night(night_of(tmp_path, (60, "no_aurora"), (30, "pulsating"), (30, "other_aurora")))
    row = panel(figure, panels(figure)["labels"])[20].astype(int)
    for name, share in (("no_aurora", 0.5), ("pulsating", 0.25), ("other_aurora", 0.25)):
        found = (np.abs(row - ImageColor.getrgb(CLASS_COLOURS[name])).max(axis=1) < 8).mean()
        assert found == pytest.approx(share, abs=0.01)
    axes = panels(figure)["confidence"]
    assert axes.get_xlabel() == "UT, 2020-02-18"
    ticks = dict(zip([text.get_text() for text in axes.get_xticklabels()], axes.get_xticks(), strict=True))
    assert (ticks["09:00"] - axes.get_xlim()[0]) * 24 == pytest.approx(1)
    assert (axes.get_xlim()[1] - axes.get_xlim()[0]) * 24 == pytest.approx(2)


def test_flicker_is_shown_as_shares(tmp_path: Path) -> None:
    rows = blocks("2020-02-18T00:00:00", (1400, "no_aurora"))
    rows = [row.replace("1,no_aurora", "3,pulsating") if number % 4 == 0 else row for number, row in enumerate(rows)]
    (path,) = write_nights(tmp_path, "gill_themis", rows)
    figure = plot_night(read_one_night(path, refuse))
    image = panel(figure, panels(figure)["labels"], inside=2)[:, 900].astype(int)
    pulsating = np.abs(image - ImageColor.getrgb(CLASS_COLOURS["pulsating"])).max(axis=1) < 8
    assert pulsating.mean() == pytest.approx(0.25, abs=0.04)


def test_north_is_up_from_the_file_to_the_picture(tmp_path: Path) -> None:
    """The first row of a minute file is marked; the moon, below, says that this is the northern one."""
    night, minute = night_of(tmp_path, (1, "no_aurora")), datetime(2020, 2, 18, 8, 0)
    sky = np.full((256, 256), 3000, np.uint16)
    sky[:40] = 9000
    frames = [frame_bytes(header(time), sky) for time in frame_times(minute)]
    write_minute(tmp_path / "stream0", minute, frames)
    (camera,) = camera_nights(tmp_path / "stream0", minute.date(), minute.date())
    figure = plot_night(night, read_keogram(camera, night_bins(night)))
    axes = panels(figure)["elevation"]
    column = panel(figure, axes)[:, 100].astype(int).sum(axis=1)
    assert (column[:20] > column[-20:]).all()
    names = [text.get_text() for text in axes.get_yticklabels()]
    assert names == ["15° N", "45°", "90°", "45°", "15° S"]
    places = axes.transData.transform([(0, tick) for tick in axes.get_yticks()])[:, 1]
    assert (np.diff(places) < 0).all(), "north is at the top"


def test_elevations_stand_at_their_rows(tmp_path: Path) -> None:
    night = night_of(tmp_path, (10, "no_aurora"))
    axes = panels(plot_night(night, keogram_of(night)))["elevation"]
    elevations = meridian_elevations()
    north, _, zenith, _, south = axes.get_yticks()
    assert np.interp(north, range(128), elevations[:128]) == pytest.approx(15, abs=0.01)
    assert np.interp(-south, -np.arange(255, 127, -1), elevations[:127:-1]) == pytest.approx(15, abs=0.01)
    assert zenith == pytest.approx(127.5)
    bottom, top = axes.get_ylim()
    assert (top, bottom) == pytest.approx(rows_at(elevations, 0))


def test_the_moon_of_real_frames_says_where_north_and_east_are(shared_folder: Path) -> None:
    """As row 0 is north and column 0 east, the brightest spot is where the moon stood; turned over it would not be."""
    day = datetime(2014, 3, 10).date()
    (camera,) = camera_nights(shared_folder / "stream0", day, day)
    minute = read_minute(list_minute_files(camera).minute_files[0], "gill", day)
    image = minute.images.mean(axis=0)
    rows, columns = np.nonzero(image > np.quantile(image, 0.998))
    down, right = rows.mean() - 127.5, columns.mean() - 127.5
    days = days_since_j2000(np.array(minute.times[:1], "datetime64[s]"))
    azimuth, elevation = horizontal(
        *moon_at(days), sidereal_angle_at(days, SITES["gill"].longitude), SITES["gill"].latitude
    )
    seen = np.degrees(np.arctan2(-right, -down)) % 360
    assert seen == pytest.approx(np.degrees(azimuth[0]) % 360, abs=5)
    assert np.degrees(np.arctan2(-right, down)) % 360 != pytest.approx(np.degrees(azimuth[0]) % 360, abs=15)
    height = np.interp(np.hypot(right, down), np.arange(128) + 0.5, meridian_elevations()[128:])
    assert height == pytest.approx(np.degrees(elevation[0]), abs=5)


def test_real_minutes_are_drawn_right(shared_folder: Path) -> None:
    night = read_one_night(next((shared_folder / "golden").glob("*_classifications.txt")), refuse)
    day = datetime(2014, 3, 10).date()
    (camera,) = camera_nights(shared_folder / "stream0", day, day)
    figure = plot_night(night, read_keogram(camera, night_bins(night)))
    for name in ("elevation", "labels", "smoothed", "probability", "confidence"):
        white = white_columns(panel(figure, panels(figure)[name]))
        minute = len(white) / 6
        assert white[round(3 * minute) + 2 : round(5 * minute) - 2].all(), f"{name}: 06:03 and 06:04 are missing"
        assert white.mean() == pytest.approx(2 / 6, abs=0.01), name
    assert "23:18" in texts(figure)
    elevations, row = meridian_elevations(), read_keogram(camera, night_bins(night)).counts[:, 0]
    rise = int(np.argmax(np.diff(row[:30])))
    assert elevations[rise] == pytest.approx(0, abs=6), "the horizon of the real frames"


@pytest.mark.parametrize("site", ["gill", "nowhere"])
def test_magnetic_local_time_and_midnight(tmp_path: Path, site: str) -> None:
    rows = blocks("2020-02-18T05:00:00", (180, "no_aurora"))
    (path,) = write_nights(tmp_path, f"{site}_themis", rows)
    figure = plot_night(read_one_night(path, refuse))
    upper = list(panels(figure)["labels"].child_axes)
    lines = [line for line in panels(figure)["smoothed"].lines if line.get_linestyle() != "-"]
    if site == "nowhere":
        assert (upper, lines) == ([], [])
        assert any("site not in the table" in text for text in texts(figure))
        return
    assert upper[0].get_xlabel() == "magnetic local time (h), dashed: midnight"
    days = np.append(upper[0].get_xticks(), lines[0].get_xdata()[0])
    times = np.rint(np.array(days, float) * 86400).astype(np.int64).astype("datetime64[s]")
    hours = [float(text.get_text().replace(":30", ".5").replace(":00", "")) for text in upper[0].get_xticklabels()]
    wrong = (magnetic_local_time(site, times) - [*hours, 0] + 12) % 24 - 12
    assert np.abs(wrong).max() < 0.02


def test_small_print_says_what_a_reader_must_know(tmp_path: Path) -> None:
    names = [f"20200218_080{minute}_gill_themis19_full.pgm.gz" for minute in (3, 4)] + ["elsewhere"]
    problems = [{"file": name, "reason": "damaged", "may_pass": False, "count": 1} for name in names]
    about = {"weights_name": "toy", "weights_kind": "simulated", "weights_sha256": "0123456789ab", "problems": problems}
    night = night_of(tmp_path, **about, camera_night="20200218 gill_themis19")
    figure = plot_night(night, remark="seen on the moon")
    shown = "\n".join(texts(figure))
    assert "seen on the moon" in shown
    assert "Gillam (gill_themis19), 2020-02-18" in shown
    assert "weights toy (simulated, 01234567), aurorapt 1" in shown
    assert "trained on simulated frames: for trying the tool, not for science" in shown
    assert "3 problems" in shown
    (marks,) = [line for line in panels(figure)["problems"].lines if line.get_marker() == "v"]
    assert np.allclose((marks.get_xdata() - panels(figure)["problems"].get_xlim()[0]) * 1440, [3.5, 4.5])


def test_good_and_doubtful_events_look_different(tmp_path: Path) -> None:
    looks = []
    for camera in ("gill_themis", "rank_themis"):
        figure = plot_night(night_of(tmp_path / camera, camera=camera))
        image = panel(figure, panels(figure)["events"])
        colour = ImageColor.getrgb(CLASS_COLOURS["pulsating"])
        looks.append(float((np.abs(image.astype(int) - colour).max(axis=2) < 30).mean()))
        if camera == "rank_themis":
            svg = figure_bytes(figure, "svg").decode()
            (pattern,) = re.findall(r"<pattern.*?</pattern>", svg, re.DOTALL)
            assert len(set(re.findall("#[0-9a-f]{6}", pattern))) == 2, (
                "hatched in SVG too, whose hatch is the face's shade"
            )
            assert not re.search(r"fill: url[^>]*fill-opacity", svg)
    assert looks[0] > 2 * looks[1] > 0, "filled, and hatched"


@pytest.mark.parametrize("width", [84, 180])
def test_no_text_is_smaller_than_eight_points_or_leaves_the_picture(tmp_path: Path, width: int) -> None:
    names = [f"20200218_080{minute}_gill_themis19_full.pgm.gz" for minute in (3, 4)]
    problems = [{"file": name, "reason": "damaged", "may_pass": False, "count": 1} for name in names]
    night = night_of(
        tmp_path, weights_kind="simulated", weights_name="a_rather_long_name_of_weights", problems=problems
    )
    figure = plot_night(night, keogram_of(night), width=width)
    shown = [text for text in all_texts(figure) if text.get_text() and text.get_visible()]
    assert min(text.get_fontsize() for text in shown) >= 8
    right, top = figure.bbox.x1, figure.bbox.y1
    for text in shown:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= right and box.y0 >= 0 and box.y1 <= top, text.get_text()
    with pytest.raises(OptionError, match="84"):
        plot_night(night, width=60)


def test_other_classes_have_colours_and_a_share(tmp_path: Path) -> None:
    stamps = [f"20200218,08:00:{second:02d}" for second in range(0, 60, 3)]
    rows = [f"{stamp},{number % 2},{('arc', 'patch')[number % 2]},0.5" for number, stamp in enumerate(stamps)]
    path = write_file(tmp_path / "20200218_gill_themis_classifications.txt", rows)
    figure = plot_night(read_one_night(path, refuse))
    assert set(panels(figure)) == {"labels", "smoothed", "confidence"}, "there is no class pulsating"
    assert {"arc", "patch"} <= set(texts(figure))
    figure = plot_night(read_one_night(path, refuse, class_name="patch"))
    assert "share" in panels(figure), "which is what the majority gives, and no probability"


def test_names_from_files_are_shown_as_they_are(tmp_path: Path) -> None:
    names = [r"$\foo$", "a\nb", "<b>&", "%s{}"]
    night = night_of(tmp_path, weights_name=names[0] + names[1], weights_kind=names[2] + names[3])
    for ending in ENDINGS:
        assert figure_bytes(figure := plot_night(night), ending)
    assert any(r"weights $\foo$a?b (<b>&%s{}," in text for text in texts(figure))


def test_any_number_of_classes_has_room(tmp_path: Path) -> None:
    names = [f"class_{number}_of_many" for number in range(30)]
    rows = [f"20200218,08:00:{number:02d},{number},{name},0.5" for number, name in enumerate(names)]
    path = write_file(tmp_path / "20200218_gill_themis_classifications.txt", rows)
    figure = plot_night(read_one_night(path, refuse), width=84)
    boxes = [text.get_window_extent() for text in all_texts(figure) if text.get_text() in texts(figure)]
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 for box in boxes)
    assert len({name.replace("_", " ") for name in names} & set(texts(figure))) == 30


@pytest.mark.parametrize("count", [0, 1])
def test_a_night_of_one_frame_and_one_of_none(tmp_path: Path, count: int) -> None:
    path = write_file(tmp_path / "20200218_gill_themis_classifications.txt", blocks(START, (1, "pulsating"))[:count])
    figure = plot_night(read_one_night(path, refuse))
    assert ("no frames" in texts(figure)) == (count == 0)
    image = pixels(figure)
    assert ((image == ImageColor.getrgb(CLASS_COLOURS["pulsating"])).all(axis=2).sum() > 1000) == (count == 1)


def test_a_part_of_the_night(tmp_path: Path) -> None:
    night = night_of(tmp_path)
    start, end = np.datetime64("2020-02-18T09:35", "s"), np.datetime64("2020-02-18T09:45", "s")
    bins = night_bins(night, start, end)
    assert (bins.start, bins.end, bins.seconds) == (start, end, 3)
    white = white_columns(panel(figure := plot_night(night, bins=bins), panels(figure)["labels"]))
    assert white.mean() == pytest.approx(0.1, abs=0.01)
    with pytest.raises(OptionError, match="nothing to draw"):
        night_bins(night, end, start)


@pytest.mark.parametrize("ending", ENDINGS)
def test_the_same_night_gives_the_same_bytes(tmp_path: Path, ending: str) -> None:
    night = night_of(tmp_path)
    first, second = (figure_bytes(plot_night(night, keogram_of(night)), ending) for _ in range(2))
    assert first == second
    assert b"20" + datetime.now().strftime("%y%m%d").encode() not in first
    save_figure(plot_night(night, keogram_of(night)), tmp_path / "new" / f"a.{ending}")
    assert (tmp_path / "new" / f"a.{ending}").read_bytes() == first
    with pytest.raises(OptionError, match=r"end it in \.png or \.pdf or \.svg"):
        save_figure(plot_night(night), tmp_path / "a.jpeg")


def test_a_users_own_style_and_windows_are_left_alone(tmp_path: Path) -> None:
    night = night_of(tmp_path)
    plain = figure_bytes(plot_night(night), "png")
    with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "black"}):
        assert figure_bytes(plot_night(night), "png") == plain
        assert matplotlib.rcParams["font.size"] == 30
    code = "import sys, aurorapt.pictures.night_plot as n, aurorapt.pictures.figures as f\nf.new_figure(180, 50)\n"
    code += "f.figure_bytes(f.new_figure(180, 50), 'png')\nassert 'matplotlib.pyplot' not in sys.modules\n"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_figure_of_ones_own_is_drawn_into(tmp_path: Path) -> None:
    figure = Figure(figsize=(6, 6))
    assert plot_night(night_of(tmp_path), figure=figure) is figure
    assert "labels" in panels(figure)


def test_a_night_is_drawn_as_stored(tmp_path: Path) -> None:
    night = night_of(tmp_path, camera_night="20200218 gill_themis19", weights_name="w", weights_kind="published")
    assert_as_stored(plot_night(night, keogram_of(night), width=150), "night.png")


def test_an_archive_that_has_no_frames_of_it(tmp_path: Path) -> None:
    from aurorapt.errors import ArchiveError
    from aurorapt.pictures.keogram import find_frames

    night = night_of(tmp_path)
    write_minute(tmp_path / "stream0", datetime(2020, 2, 19, 8), 1)
    with pytest.raises(ArchiveError, match="no camera of the site on 2020-02-18; gill_themis is looked for"):
        find_frames(night, tmp_path / "stream0")
    write_minute(tmp_path / "stream0", datetime(2020, 2, 18, 8) + timedelta(minutes=1), 1)
    assert find_frames(night, tmp_path / "stream0").folder.name == "gill_themis19"
    numbered = night_of(tmp_path / "numbered", camera_night="20200218 gill_themis19")
    assert find_frames(numbered, tmp_path / "stream0").folder.name == "gill_themis19"
    write_minute(tmp_path / "copy", datetime(2020, 2, 18, 8), 1, device="themis")
    assert find_frames(numbered, tmp_path / "copy").folder.name == "gill_themis"
    write_minute(tmp_path / "other", datetime(2020, 2, 18, 8), 1, device="themis11")
    with pytest.raises(ArchiveError, match="gill_themis11 on 2020-02-18; gill_themis19 is looked for"):
        find_frames(numbered, tmp_path / "other")
    write_minute(tmp_path / "stream0", datetime(2020, 2, 18, 8), 1, device="themis11")
    with pytest.raises(ArchiveError, match="gill_themis11 and gill_themis19"):
        find_frames(night, tmp_path / "stream0")


# what the eye lacks: Machado, Oliveira and Fernandes (2009), IEEE TVCG 15, 1291, severity 1, on linear RGB
BLIND = {
    "protanopia": ((0.152286, 1.052583, -0.204868), (0.114503, 0.786281, 0.099216), (-0.003882, -0.048116, 1.051998)),
    "deuteranopia": ((0.367322, 0.860646, -0.227968), (0.280085, 0.672501, 0.047413), (-0.011820, 0.042940, 0.968881)),
    "tritanopia": ((1.255528, -0.076749, -0.178779), (-0.078411, 0.930809, 0.147602), (0.004733, 0.691367, 0.303900)),
}


def lab(colour: str, matrix: Any) -> np.ndarray[Any, Any]:
    """Give a colour as it is seen, in CIE L*a*b*."""
    rgb = np.array(ImageColor.getrgb(colour)) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = np.clip(np.array(matrix) @ linear, 0, 1)
    to_xyz = ((0.4124, 0.3576, 0.1805), (0.2126, 0.7152, 0.0722), (0.0193, 0.1192, 0.9505))
    x, y, z = np.cbrt((np.array(to_xyz) @ seen) / (0.9505, 1.0, 1.089))
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


@pytest.mark.parametrize("matrix", [np.eye(3), *BLIND.values()], ids=["all cones", *BLIND])
def test_the_colour_blind_tell_the_classes_apart(matrix: Any) -> None:
    colours = [*CLASS_COLOURS.values(), "#FFFFFF"]
    seen = [lab(colour, matrix) for colour in colours]
    for number, one in enumerate(seen):
        for other in seen[:number]:
            assert np.linalg.norm(one - other) > 15, (colours[number], matrix)


def test_classes_of_other_networks_get_colours_of_their_own() -> None:
    colours = class_colours(["arc", "pulsating", "patch"])
    assert colours == {"arc": OTHER_COLOURS[0], "pulsating": CLASS_COLOURS["pulsating"], "patch": OTHER_COLOURS[1]}
    assert not set(OTHER_COLOURS) & set(CLASS_COLOURS.values())
    many = class_colours([*CLASS_COLOURS, *map(str, range(40))])
    assert len(set(many.values())) == 44, "no two classes look the same"
