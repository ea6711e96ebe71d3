import json
import re
from pathlib import Path

import pytest
from PIL import Image

import aurorapt.demo
from aurorapt.demo import DemoReport, run_demo
from aurorapt.errors import OptionError
from tests.cli.test_cli import aurorapt as command


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aurorapt.demo, "MINUTES_PER_HOUR", 1)
    monkeypatch.setattr(aurorapt.demo, "SITES", ("gill",))


def test_the_demo_finds_what_is_there_and_can_be_run_again(tmp_path: Path) -> None:
    lines: list[str] = []
    for _ in range(2):
        report = run_demo(tmp_path / "demo", lines.append)
        assert report.accuracy >= 0.9
        assert set(report.recall) == {truth for truth, _ in report.confusion}
        (camera,) = report.cameras
        assert camera.csv_file.is_file()
        assert Image.open(camera.picture).width > 500
        assert camera.confusion.total() >= 100
        assert str(camera.picture) in report.table()
    assert lines[0].startswith("simulating the night of 2014-03-10 at gill")


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "stream0").mkdir()
    (tmp_path / "stream0" / "precious").touch()
    with pytest.raises(OptionError, match="not from a demo"):
        run_demo(tmp_path, print)
    assert (tmp_path / "stream0" / "precious").exists()


def test_simulate_writes_an_archive(tmp_path: Path) -> None:
    arguments = ("2014-03-10", "2014-03-10", "--site", "gill", "--minutes-per-hour", 1, "--seed", 3)
    done = command("simulate", tmp_path / "stream0", *arguments)
    assert done.returncode == 0, done.stderr
    count = len(list((tmp_path / "stream0").rglob("*_full.pgm.gz")))
    assert done.stdout == f"{count} minute files and truth.csv written to {tmp_path / 'stream0'}\n"
    assert count >= 5
    again = command("simulate", tmp_path / "stream0", *arguments)
    assert again.returncode == 2
    assert again.stderr.count("\n") == 1


def test_simulated_weights_are_never_used_without_a_word(tmp_path: Path) -> None:
    command("simulate", tmp_path / "stream0", "2014-03-10", "2014-03-10", "--minutes-per-hour", 1)
    options = ("--stream0", tmp_path / "stream0", "--output", tmp_path, "--log-file", tmp_path / "log")
    done = command("classify", "2014-03-10", "2014-03-10", *options, "--json", AURORAPT_WEIGHTS="")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["frames"] >= 100
    assert "for trying the tool, not for science" in done.stderr
    assert "for trying the tool, not for science" in (tmp_path / "log").read_text()


def test_its_last_lines_say_what_the_figures_are_worth() -> None:
    *_, simulated, real = DemoReport(("pulsating",), [], 1.0).table().splitlines()
    assert "from one simulator" in simulated
    agreement, readme = re.search(r"(\d+) % of frames", real), Path(__file__).parent.parent / "README.md"
    assert agreement is not None and agreement[0] in readme.read_text().replace("\n", " ")
