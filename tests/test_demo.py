import json
import re
import shutil
import sys
from pathlib import Path

import pytest
from PIL import Image

import aurorapt.demo
from aurorapt.demo import DemoReport, run_demo
from aurorapt.errors import OptionError
from aurorapt.simulation.simulated_archive import simulate_archive
from aurorapt.weights import location
from aurorapt.weights.location import simulated_weights
from tests.command_line import Done, aurorapt_here
from tests.conftest import MakeOnce

SITES = ["gill"]
MINUTES_PER_HOUR = 1


@pytest.fixture(scope="module")
def simulated(make_once: MakeOnce) -> Path:
    """Give a folder with an archive of the demo's night, as small as it can be, and what the command said of it."""

    def fill(folder: Path) -> None:
        done = simulate(folder / "stream0")
        assert done.returncode == 0, done.stderr
        (folder / "said").write_text(done.stdout)

    return make_once("simulated", fill)


def simulate(stream0: Path) -> Done:
    options = ("--site", *SITES, "--minutes-per-hour", MINUTES_PER_HOUR, "--seed", aurorapt.demo.SEED)
    return aurorapt_here("simulate", stream0, aurorapt.demo.NIGHT, aurorapt.demo.NIGHT, *options)


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aurorapt.demo, "MINUTES_PER_HOUR", MINUTES_PER_HOUR)
    monkeypatch.setattr(aurorapt.demo, "SITES", SITES)


def test_the_demo_finds_what_is_there_and_can_be_run_again(
    simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = (aurorapt.demo.NIGHT, aurorapt.demo.NIGHT, SITES, aurorapt.demo.SEED, MINUTES_PER_HOUR)

    def copy_archive(stream0: Path, *options: object) -> int:
        assert options == made, "the archive at hand is the one that the demo wants"
        shutil.copytree(simulated / "stream0", stream0)
        return len(minute_files(stream0))

    lines: list[str] = []
    for simulate, extras in ((simulate_archive, True), (copy_archive, False)):
        monkeypatch.setattr(aurorapt.demo, "simulate_archive", simulate)
        if not extras:
            for name in ("matplotlib", "plotly.offline"):
                monkeypatch.setitem(sys.modules, name, None)
        report = run_demo(tmp_path / "demo", lines.append)
        assert report.accuracy >= 0.9
        assert set(report.recall) == {truth for truth, _ in report.confusion}
        (camera,) = report.cameras
        assert camera.csv_file.is_file()
        assert camera.confusion.total() >= 100
        if not extras:
            assert camera.picture is None and not list((tmp_path / "demo").glob("*.png")), "none of the first run's"
            assert report.page is None and not list((tmp_path / "demo").glob("report.html*")), "none of the first run's"
            assert "no pictures: pip install 'aurorapt[plot]'" in report.table()
            assert "no report: pip install 'aurorapt[report]'" in report.table()
            continue
        assert camera.picture is not None and Image.open(camera.picture).width > 500
        assert str(camera.picture) in report.table()
        assert report.page is not None and "20140310" in report.page.read_text()
        assert str(report.page) in report.table()
    assert lines[0].startswith("simulating the night of 2014-03-10 at gill")


def test_a_folder_with_something_else_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "stream0").mkdir()
    (tmp_path / "stream0" / "precious").touch()
    with pytest.raises(OptionError, match="not from a demo"):
        run_demo(tmp_path, print)
    assert (tmp_path / "stream0" / "precious").exists()


def minute_files(stream0: Path) -> list[Path]:
    return list(stream0.rglob("*_full.pgm.gz"))


def test_simulate_writes_an_archive(simulated: Path) -> None:
    stream0 = simulated / "stream0"
    count = len(minute_files(stream0))
    assert (simulated / "said").read_text() == f"{count} minute files and truth.csv written to {stream0}\n"
    assert count >= 5
    again = simulate(stream0)
    assert again.returncode == 2
    assert again.stderr.count("\n") == 1


def test_simulated_weights_are_never_used_without_a_word(
    simulated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are the default where there are no others, which this clone may have by now."""
    (tmp_path / "defaults").mkdir()
    (tmp_path / "defaults" / "simulated.safetensors").symlink_to(simulated_weights())
    monkeypatch.setattr(location, "FOLDERS", (tmp_path / "defaults", tmp_path / "nowhere"))
    options = ("--stream0", simulated / "stream0", "--output", tmp_path, "--log-file", tmp_path / "log")
    done = aurorapt_here("classify", "2014-03-10", "2014-03-10", *options, "--json", AURORAPT_WEIGHTS="")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["frames"] >= 100
    assert "for trying the tool, not for science" in done.stderr
    assert "for trying the tool, not for science" in (tmp_path / "log").read_text()


def test_its_last_lines_say_what_the_figures_are_worth() -> None:
    *_, simulated, real = DemoReport(("pulsating",), [], None, 1.0).table().splitlines()
    assert "from one simulator" in simulated
    agreement, readme = re.search(r"(\d+) % of frames", real), Path(__file__).parent.parent / "README.md"
    assert agreement is not None and agreement[0] in readme.read_text().replace("\n", " ")
