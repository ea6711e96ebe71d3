"""``aurorapt plot`` as a user runs it."""

import json
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import pytest
from PIL import Image

from aurorapt.results.companion import companion_path
from tests.command_line import Done, aurorapt_here
from tests.example_results import companion
from tests.fake_camera import write_minute
from tests.science.example_nights import blocks, write_file, write_nights

pytestmark = pytest.mark.usefixtures("own_folder")

ROWS = blocks("2020-02-18T23:30:00", (30, "no_aurora"), (30, "pulsating"))
KINDS = {"png": b"\x89PNG", "pdf": b"%PDF", "svg": b"<?xml"}


@pytest.fixture
def files() -> list[Path]:
    """Two dates of one camera, in the working folder."""
    return write_nights(Path("results"), "gill_themis", ROWS)


def plot(*arguments: object) -> Done:
    return aurorapt_here("plot", *arguments)


@pytest.mark.parametrize("ending", KINDS)
def test_a_file_is_drawn_as_its_night(files: list[Path], ending: str) -> None:
    done = plot(files[0], "-o", f"new/night.{ending}", "--width", 84)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"drawn new/night.{ending}\n", "")
    assert Path(f"new/night.{ending}").read_bytes().startswith(KINDS[ending])


def test_without_a_name_the_picture_is_named_after_the_night(files: list[Path]) -> None:
    assert plot(files[0]).stdout == "drawn 20200218_gill_themis.png\n"
    assert Image.open("20200218_gill_themis.png").width == 2126


def test_several_files_and_nights_of_folders_go_into_a_folder(files: list[Path]) -> None:
    assert plot(*files, "-o", "two", "--format", "svg").stdout == "2 pictures drawn in two\n"
    assert plot("results", "--nights", "-o", "all", "--format", "svg").stdout == "2 pictures drawn in all\n"
    names = ["20200218_gill_themis.svg", "20200219_gill_themis.svg"]
    for folder in ("two", "all"):
        assert sorted(path.name for path in Path(folder).iterdir()) == names
    for name in names:
        assert Path("two", name).read_bytes() == Path("all", name).read_bytes(), "neighbours count either way"


def test_a_folder_is_drawn_as_an_overview(files: list[Path]) -> None:
    assert plot("results").stdout == "2 camera-nights of 1 site drawn in overview.png\n"
    assert Image.open("overview.png").width == 2126


def test_a_keogram_is_drawn_from_the_archive(files: list[Path]) -> None:
    minute = datetime(2020, 2, 19, 0, 5)
    write_minute(Path("stream0"), minute)
    damaged = write_minute(Path("stream0"), minute.replace(minute=7))
    damaged.write_bytes(b"nonsense")
    plain, wide = (
        plot(files[1], "-o", f"{name}.png", *more) for name, more in (("a", ()), ("b", ("--stream0", "stream0")))
    )
    assert (plain.returncode, wide.returncode) == (0, 0)
    assert f"aurorapt: not used: {damaged}" in wide.stderr
    assert Image.open("b.png").height > Image.open("a.png").height + 300


def test_frames_that_are_not_there_are_told_and_the_rest_is_drawn(files: list[Path]) -> None:
    write_minute(Path("stream0"), datetime(2021, 2, 19))
    done = plot(files[1], "-o", "a.png", "--stream0", "stream0")
    assert done.returncode == 1
    assert "a.png has no keogram: stream0 holds no camera of the site on 2020-02-19" in done.stderr
    assert Path("a.png").exists()


def test_a_part_of_a_night(files: list[Path]) -> None:
    for number, more in enumerate(((), ("--from", "23:40", "--to", "24:00"), ("--from", "23:40"))):
        assert plot(files[0], "-o", f"{number}.svg", *more).returncode == 0
    assert Path("1.svg").read_bytes() == Path("2.svg").read_bytes() != Path("0.svg").read_bytes()


def test_one_night_that_cannot_be_drawn_does_not_keep_others_from_it(files: list[Path]) -> None:
    done = plot("results", "--nights", "--from", "00:10")
    assert (done.returncode, done.stdout) == (0, "2 pictures drawn in .\n"), "on the first date to its last frame"
    done = plot("results", "--nights", "--from", "12:00", "-o", "late")
    assert (done.returncode, done.stdout) == (1, "1 picture drawn in late\n")
    assert done.stderr.startswith(f"aurorapt: not used: {files[1]}: nothing to draw from 2020-02-19T12:00:00")
    files[0].write_text("nonsense\n")
    done = plot(*files, "-o", "rest")
    assert (done.returncode, done.stdout) == (1, "1 picture drawn in rest\n")
    assert "line 1: expected" in done.stderr


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("FILE -o night.jpeg", "--output night.jpeg has no ending that says a format; end it in .png or .pdf or .svg"),
        ("FILE -o night", "--output night has no ending"),
        ("results -o all.gif", "--output all.gif has no ending"),
        ("FILE FILE2 -o one.png", "--output one.png is one picture, and there may be several nights; name a folder"),
        ("results --nights -o one.png", "name a folder"),
        ("results --nights --format gif", "--format 'gif' is unknown; give png or pdf or svg"),
        ("results FILE", "results is a folder, and other paths are not"),
        ("results --stream0 results", "add --nights"),
        ("results --class arc", "add --nights"),
        ("FILE --from 6", "--from '6' is not a time of day; write it like 06:30"),
        ("FILE --to 24:01", "--to '24:01' is not a time of day"),
        ("FILE --from 06:00 --to 05:00", "--to 05:00 is not after --from 06:00"),
        ("FILE --class arc", "--class 'arc' is none of these results"),
        ("FILE --model markov", "--model 'markov' is unknown"),
        ("FILE --width 50", "--width 50 is not from 84 to 1000 mm"),
        ("results --width 50", "--width 50 is not"),
        ("FILE --stream0 nowhere", "--stream0 (or AURORAPT_STREAM0): no folder nowhere; name the folder that holds"),
        ("nowhere.txt", "nowhere.txt is not there"),
        ("FILE FILE", "FILE"),
    ],
)
def test_what_cannot_be_drawn_is_told_in_one_line(files: list[Path], words: str, message: str) -> None:
    names = {"FILE": files[0], "FILE2": files[1]}
    if message == "FILE":  # the same one twice is just drawn twice
        assert plot(*(names[word] for word in words.split())).returncode == 0
        return
    done = plot(*(names.get(word, word) for word in words.split()))
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stderr.count("\n") == 1
    assert {path.name for path in Path().iterdir()} == {"results"}, "nothing was written"


def test_a_damaged_file_among_many_is_told(files: list[Path]) -> None:
    files[0].write_text("nonsense\n")
    for words in (("results", "-o", "a.png"), ("results", "--nights")):
        done = plot(*words)
        assert done.returncode == 1
        assert done.stderr == f"aurorapt: not used: {files[0]}: {files[0]}, line 1: expected date,time,prediction," + (
            "prediction_str,confidence, not 'nonsense'\n"
        )
    assert Path("a.png").exists() and Path("20200219_gill_themis.png").exists()
    assert plot(files[0]).returncode == 1


def test_an_overview_needs_frames_and_the_class_pulsating() -> None:
    write_file(Path("empty/20200218_gill_themis_classifications.txt"), [])
    assert plot("empty").stderr == "aurorapt: no frames to draw in any of these results\n"
    path = write_file(Path("other/20200218_gill_themis_classifications.txt"), ["20200218,06:00:00,0,arc,0.5"])
    companion_path(path).write_text(json.dumps(asdict(companion(path.read_text(), classes=["arc", "patch"]))))
    assert "shows pulsating minutes, and these results have only arc, patch" in plot("other").stderr
    assert plot("nothing").returncode == 2


def test_without_matplotlib_it_says_what_to_install(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for path in (files[0], "results"):
        done = plot(path)
        assert (done.returncode, done.stderr) == (
            2,
            "aurorapt: pictures with axes need matplotlib: pip install 'aurorapt[plot]'\n",
        )
