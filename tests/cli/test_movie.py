"""``aurorapt movie`` as a user runs it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.command_line import aurorapt_here, clean_environment
from tests.pictures.example_frames import rows_of, write_night
from tests.run.test_faults import mounted_tmpfs
from tests.science.example_nights import write_file

NIGHT = "20140310_gill_themis_classifications.txt"


def test_a_movie_is_written_and_told(tmp_path: Path, weights_file: Path) -> None:
    write_night(tmp_path, rows_of(["pulsating"] * 30), (0, 2))
    options = ("--stream0", tmp_path / "stream0", "-o", tmp_path / "night.mp4", "--weights", weights_file)
    result = aurorapt_here("movie", tmp_path / NIGHT, *options)
    assert (result.returncode, result.stderr) == (0, "")
    assert result.stdout == (
        "40 frames, 20 of them without a row in the results, 10 rows whose frame is not in the archive, 1 gap; "
        f"written {tmp_path / 'night.mp4'}\n"
    )
    assert (tmp_path / "night.mp4").stat().st_size > 1000


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"-o": "night.mov"}, "--output night.mov must end with .mp4, or .gif for slides"),
        ({"--fps": "200"}, "--fps 200 must be between 1 and 120"),
        ({"--from": "noon"}, "--from 'noon' is not a time of day; write it like 06:30"),
        ({"--stream0": "nowhere"}, "no folder nowhere; name the folder that holds the years"),
        ({"--weights": "none.safetensors"}, "--weights none.safetensors does not exist"),
        ({"PATH": "nothing.txt"}, "nothing.txt is not there"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_status_2(
    tmp_path: Path, weights_file: Path, changes: dict[str, str], message: str
) -> None:
    write_night(tmp_path, rows_of(["pulsating"] * 2), (0,), 2)
    given = {"PATH": str(tmp_path / NIGHT), "--stream0": str(tmp_path / "stream0"), "-o": str(tmp_path / "night.mp4")}
    given |= {"--weights": str(weights_file)} | changes
    path = given.pop("PATH")
    result = aurorapt_here("movie", path, *[word for pair in given.items() for word in pair])
    assert result.returncode == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1


def test_without_the_extra_the_line_says_what_to_install(
    tmp_path: Path, weights_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    write_night(tmp_path, rows_of(["pulsating"] * 2), (0,), 2)
    options = ("--stream0", tmp_path / "stream0", "-o", tmp_path / "night.mp4", "--weights", weights_file)
    result = aurorapt_here("movie", tmp_path / NIGHT, *options)
    assert result.returncode == 2
    assert "pip install 'aurorapt[movie]'" in result.stderr


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_and_leaves_nothing(tmp_path: Path, weights_file: Path, number: int) -> None:
    """Also where ffmpeg has stopped taking pictures."""
    write_night(tmp_path, rows_of(["pulsating"] * 60))
    ffmpeg, begun = tmp_path / "ffmpeg", tmp_path / "begun"
    ffmpeg.write_text(
        f'#!/bin/sh\ncase "$*" in *-version*) exit 0;; esac\n'
        f'for last; do :; done\necho half > "$last"\necho $$ > {begun}\nexec sleep 100\n'
    )
    ffmpeg.chmod(0o755)
    (tmp_path / "movies").mkdir()
    words = ["movie", tmp_path / NIGHT, "--stream0", tmp_path / "stream0", "--weights", weights_file]
    process = subprocess.Popen(
        [sys.executable, "-m", "aurorapt", *map(str, words), "-o", str(tmp_path / "movies" / "night.mp4")],
        env=clean_environment() | {"IMAGEIO_FFMPEG_EXE": str(ffmpeg)},
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not (begun.exists() and begun.read_text()) and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.5)
    process.send_signal(number)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert said == "aurorapt: interrupted\n"
    assert list((tmp_path / "movies").iterdir()) == []
    with pytest.raises(ProcessLookupError):
        os.kill(int(begun.read_text()), 0)


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path: Path, weights_file: Path) -> None:
    write_night(tmp_path, rows_of(["pulsating"] * 60))
    folder = tmp_path / "full"
    folder.mkdir()
    options = ("--stream0", tmp_path / "stream0", "-o", folder / "night.gif", "--weights", weights_file)
    with mounted_tmpfs(folder, "size=64k"):
        result = aurorapt_here("movie", tmp_path / NIGHT, *options)
        assert list(folder.iterdir()) == []
    assert result.returncode == 1
    assert result.stderr == "aurorapt: ffmpeg could not write the movie: No space left on device\n"


def test_a_damaged_file_is_named(tmp_path: Path, weights_file: Path) -> None:
    write_night(tmp_path, rows_of(["pulsating"] * 60), frames=3)
    damaged = next((tmp_path / "stream0").rglob("*_0601_*"))
    damaged.write_bytes(b"damaged")
    options = ("--stream0", tmp_path / "stream0", "-o", tmp_path / "night.mp4", "--weights", weights_file)
    result = aurorapt_here("movie", tmp_path / NIGHT, *options)
    assert result.stderr.startswith(f"aurorapt: not used: {damaged}: ")
    assert result.stderr.count("\n") == 1
    assert result.returncode == 0, "another try would bring nothing"


def test_a_montage_by_aurorapt_plot(tmp_path: Path, weights_file: Path) -> None:
    write_night(tmp_path, rows_of(["pulsating"] * 20), (0,))
    words = ("plot", tmp_path / NIGHT, "--montage", "--weights", weights_file)
    for ending in ("png", "pdf"):
        output = tmp_path / f"montage.{ending}"
        result = aurorapt_here(*words, "--stream0", tmp_path / "stream0", "-o", output)
        assert (result.returncode, result.stdout) == (0, f"drawn {output}\n")
        assert output.stat().st_size > 10000
    refused = aurorapt_here(*words)
    assert (refused.returncode, refused.stderr.count("\n")) == (2, 1)
    assert "--montage needs --stream0 DIR" in refused.stderr


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, weights_file: Path) -> None:
    write_night(tmp_path, rows_of(["pulsating"] * 3), (0,), 3)
    (tmp_path / "file").touch()
    options = ("--stream0", tmp_path / "stream0", "-o", tmp_path / "file" / "night.mp4", "--weights", weights_file)
    result = aurorapt_here("movie", tmp_path / NIGHT, *options)
    assert result.returncode == 1
    assert result.stderr == f"aurorapt: cannot write {tmp_path / 'file' / 'night.mp4'}: File exists\n"


def test_a_folder_of_several_nights_is_not_one(tmp_path: Path, weights_file: Path) -> None:
    write_night(tmp_path, rows_of(["pulsating"] * 3), (0,), 3)
    write_file(tmp_path / "20140311_gill_themis_classifications.txt", [])
    options = ("--stream0", tmp_path / "stream0", "-o", tmp_path / "night.mp4", "--weights", weights_file)
    result = aurorapt_here("movie", tmp_path, *options)
    assert (result.returncode, result.stderr.count("\n")) == (2, 1)
    assert "holds 2 camera-nights; name the classification file of one" in result.stderr


def test_a_night_without_frames_keeps_no_montage_of_another_from_it(tmp_path: Path, weights_file: Path) -> None:
    write_night(tmp_path, rows_of(["pulsating"] * 3), (0,), 3)
    (tmp_path / "results").mkdir()
    (tmp_path / NIGHT).rename(tmp_path / "results" / NIGHT)
    other = write_file(tmp_path / "results" / "20140309_gill_themis_classifications.txt", [])
    options = ("--stream0", tmp_path / "stream0", "-o", tmp_path / "drawn", "--weights", weights_file)
    result = aurorapt_here("plot", tmp_path / "results", "--nights", "--montage", *options)
    assert [path.name for path in (tmp_path / "drawn").iterdir()] == ["20140310_gill_themis_montage.png"]
    assert (result.returncode, result.stdout) == (1, f"1 picture drawn in {tmp_path / 'drawn'}\n")
    assert result.stderr.startswith(f"aurorapt: not used: {other}: ")
