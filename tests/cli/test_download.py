"""``aurorapt download`` as a user runs it, from a server on this machine."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from aurorapt.archive import calgary_server
from tests.archive.fake_server import FakeServer, serving
from tests.command_line import Done, aurorapt_here, clean_environment

pytest.importorskip("pyucalgarysrs", reason="PyUCalgarySRS is not installed")
pytestmark = pytest.mark.usefixtures("own_folder")

WORDS = ("download", "2014-03-10", "20140310", "--site", "GILL", "-o", "data")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(calgary_server, "WAITS", (0.01,))
    with serving() as fake:
        monkeypatch.setattr(calgary_server, "SERVER", fake.url)
        fake.add_minutes(tmp_path / "server", datetime(2014, 3, 10, 6, 0), 3)
        yield fake


def test_what_is_downloaded_can_be_classified(server: FakeServer, weights_file: Path) -> None:
    done = aurorapt_here(*WORDS)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(
        r"3 minute files: 3 fetched \(0\.00 GB\), 0 there before, 0 failed, in \d\.\d s; "
        r"now --stream0 data/THEMIS_ASI_RAW\n",
        done.stdout,
    )
    options = ("--weights", weights_file, "--workers", 0, "--json", "-o", "out")
    for folder in ("data", "data/THEMIS_ASI_RAW"):
        done = aurorapt_here("classify", "2014-03-10", "2014-03-10", "--stream0", folder, *options, "--overwrite")
        assert json.loads(done.stdout)["rows"] == 6


def test_json_and_quiet(server: FakeServer) -> None:
    assert aurorapt_here(*WORDS, "--quiet").stdout == ""
    summary = json.loads(aurorapt_here(*WORDS, "--json").stdout)
    assert (summary["files"], summary["present"], summary["failed"], summary["problems"]) == (3, 3, 0, [])


def test_a_file_that_cannot_be_had_is_named_and_the_exit_status_tells(server: FakeServer) -> None:
    path = next(iter(server.files))
    server.faults = {path: [404]}
    done = aurorapt_here(*WORDS, "--quiet")
    assert (done.returncode, done.stdout) == (1, "")
    first, last = done.stderr.splitlines()
    assert re.fullmatch(rf"aurorapt: data/THEMIS_ASI_RAW/{path}: 127\.0\.0\.1:\d+ answers with HTTP status 404", first)
    assert last.startswith("3 minute files: 2 fetched (0.00 GB), 0 there before, 1 failed")


def test_a_damaged_file_is_replaced_and_that_is_said(server: FakeServer) -> None:
    aurorapt_here(*WORDS)
    (Path("data/THEMIS_ASI_RAW") / next(iter(server.files))).write_bytes(b"half")
    assert "1 fetched (0.00 GB, 1 of them in place of damaged ones), 2 there before" in aurorapt_here(*WORDS).stdout


@pytest.mark.parametrize(
    ("words", "status", "line"),
    [
        (("--site", "nope"), 2, r"--site nope: .* has no THEMIS camera there; give fsim, gill"),
        (("--parallel", "0"), 2, "--parallel 0 must be between 1 and 16"),
        (("-o", "server/2014/03/10/gill_themis19/ut06/FILE"), 2, "--output .* is not a folder; name the folder .*"),
        (("-o", ""), 2, "--output is empty; name a folder .*"),
    ],
)
def test_wrong_options_are_one_line(server: FakeServer, words: tuple[str, ...], status: int, line: str) -> None:
    name = next(iter(server.files)).rsplit("/", 1)[1]
    done = aurorapt_here(*WORDS, *(word.replace("FILE", name) for word in words))
    assert (done.returncode, done.stdout) == (status, "")
    assert re.fullmatch(f"aurorapt: {line}\n", done.stderr)


def test_dates_the_wrong_way_round_and_no_data(server: FakeServer) -> None:
    done = aurorapt_here("download", "2014-03-11", "2014-03-10", "-o", "data")
    assert done.stderr == "aurorapt: START 2014-03-11 is after END 2014-03-10; give the earlier date first\n"
    done = aurorapt_here("download", "2014-06-21", "2014-06-22", "--site", "gill", "-o", "data")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        "aurorapt: the server has no minute file of gill from 2014-06-21 to 2014-06-22; the cameras run "
    )


def test_offline_is_one_line(server: FakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calgary_server, "SERVER", "http://127.0.0.1:9")
    done = aurorapt_here(*WORDS)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "aurorapt: cannot reach 127.0.0.1:9; is this machine offline?\n"
    assert not Path("data").exists()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_at_once_and_leaves_whole_files(server: FakeServer, number: int, status: int) -> None:
    *_, last = server.files
    server.faults = {last: ["slow"]}
    first = f"from aurorapt.archive import calgary_server\ncalgary_server.SERVER = {server.url!r}\n"
    code = first + "from aurorapt.cli.main import main\nmain()"
    process = subprocess.Popen(
        [sys.executable, "-c", code, *WORDS],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while len(list(Path().rglob("data/**/*.gz"))) < 2:
        time.sleep(0.02)
        assert process.poll() is None
    sent = time.monotonic()
    process.send_signal(number)
    output, error = process.communicate(timeout=60)
    assert (process.returncode, output) == (status, "")
    assert error == "aurorapt: interrupted; the same command goes on with the files that are missing\n"
    assert time.monotonic() - sent < 4
    found = {path.relative_to("data/THEMIS_ASI_RAW").as_posix() for path in Path("data").rglob("*") if path.is_file()}
    assert found == set(server.files) - {last}
    server.faults = {}
    done: Done = aurorapt_here(*WORDS)
    assert "1 fetched (0.00 GB), 2 there before" in done.stdout
