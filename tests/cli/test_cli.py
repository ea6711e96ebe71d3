import contextlib
import fcntl
import json
import os
import pty
import shlex
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from tests.command_line import aurorapt, aurorapt_here
from tests.fake_camera import write_minute

MINUTE = datetime(2014, 3, 10, 6, 0)


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    write_minute(tmp_path / "stream0", MINUTE, 5)
    return tmp_path / "stream0"


@pytest.fixture(autouse=True)
def _work_in_a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).resolve().parents[2]))
    monkeypatch.chdir(tmp_path)


def test_the_main_job(archive: Path, weights_file: Path, tmp_path: Path) -> None:
    done = aurorapt(
        *("classify", "2014-03-09", "2014-03-11", "--stream0", archive, "--output", "out"),
        *("--weights", weights_file, "--workers", 2),
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("1 camera-night: 1 written, 0 current, 0 failed; 5 frames")
    assert done.stderr == "", "no progress bar where nobody sees it"
    assert (tmp_path / "out/2014/03/10/20140310_gill_themis_classifications.txt").exists()
    text = (tmp_path / "aurorapt.log").read_text()
    for part in ("start: aurorapt", "--workers 2", "weights: tiny (converted), SHA-256", "5 frames, 5 rows", "end: "):
        assert part in text


def test_the_environment_stands_in_for_options(archive: Path, weights_file: Path, tmp_path: Path) -> None:
    done = aurorapt_here(
        *("classify", "2014-03-10", "2014-03-10", "--json", "--workers", 0),
        AURORAPT_STREAM0=str(archive),
        AURORAPT_OUTPUT=str(tmp_path / "elsewhere"),
        AURORAPT_WEIGHTS=str(weights_file),
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    summary = json.loads(done.stdout)
    wanted = {"camera_nights": 1, "written": 1, "current": 0, "failed": 0, "frames": 5, "rows": 5, "problems": 0}
    assert {name: summary[name] for name in wanted} == wanted
    others = {"weights_name", "weights_kind", "redone", "kept", "unread", "seconds", "frames_per_second"}
    others |= {"sites_not_found", "sites_there"}
    assert summary.keys() == wanted.keys() | others
    assert (tmp_path / "elsewhere/2014/03/10/20140310_gill_themis_classifications.txt").exists()


def test_quiet_says_nothing(archive: Path, weights_file: Path) -> None:
    done = aurorapt("classify", "2014-03-10", "2014-03-10", "--stream0", archive, "--weights", weights_file, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"START": "2014-03-32"}, "START '2014-03-32' is not a date; write it as YYYY-MM-DD"),
        ({"END": "2014310"}, "END '2014310' is not a date"),
        ({"START": "2014-03-11"}, "START 2014-03-11 is after END 2014-03-10"),
        ({"--workers": "-1"}, "--workers -1 must be between 0 and 1024"),
        ({"--threads": "0"}, "--threads 0 must be between 1 and 1024"),
        ({"--threads": "99999999999"}, "--threads 99999999999 must be between"),
        ({"--batch-size": "0"}, "--batch-size 0 must be between 1 and 1024"),
        ({"--stream0": ""}, "--stream0 is empty; name a folder"),
        ({"--output": ""}, "--output is empty; name a folder"),
        ({"--output": "long" * 100}, "--output longlong"),
        ({"--weights": ""}, "--weights is empty"),
        ({"--weights": "long" * 100}, "--weights longlong"),
        ({"--log-file": "."}, "--log-file . is not a file"),
        ({"--workers": "many"}, "Invalid value for '--workers'"),
        ({"--stream0": "nowhere"}, "--stream0 (or AURORAPT_STREAM0): no folder nowhere"),
        ({"--output": "file"}, "--output file is not a folder"),
        ({"--weights": "nowhere.safetensors"}, "--weights nowhere.safetensors does not exist"),
        ({"--weights": "file"}, "file: is not a weights file"),
        ({"--site": "gill_themis19"}, "--site 'gill_themis19' is not a site name"),
        ({"--log-file": "no/such/folder/log"}, "--log-file no/such/folder/log cannot be written"),
        ({"--no-such-option": "1"}, "No such option"),
    ],
)
def test_a_wrong_option_is_one_line_and_exit_2(
    archive: Path, weights_file: Path, tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    (tmp_path / "file").write_text("not what is wanted")
    dates = {"START": "2014-03-10", "END": "2014-03-10"}
    options = {"--stream0": str(archive), "--weights": str(weights_file), "--output": "out"}
    arguments = [changes.pop(name, value) for name, value in dates.items()]
    for option in (options | changes).items():
        arguments.extend(option)
    done = aurorapt_here("classify", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"aurorapt: {message}")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_options_are_checked_before_torch_is_loaded() -> None:
    code = (
        "import sys; import aurorapt.cli.main; sys.argv = ['aurorapt', 'classify', 'x', 'y']\n"
        "try: aurorapt.cli.main.main()\n"
        "except SystemExit as error: sys.exit(error.code + ('torch' in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 2


def test_what_is_refused_once_torch_is_there_is_one_line_too(
    archive: Path, weights_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("aurorapt.engine.engine.has_bfloat16", lambda: False)
    options = ["--stream0", archive, "--weights", weights_file, "--precision", "bf16"]
    done = aurorapt_here("classify", "2014-03-10", "2014-03-10", *options)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "aurorapt: --precision bf16: this processor does not compute in bfloat16; use fp32\n"


def test_nothing_found_is_said_and_exit_1(archive: Path, weights_file: Path) -> None:
    done = aurorapt_here("classify", "2015-01-01", "2015-01-02", "--stream0", archive, "--weights", weights_file)
    assert done.returncode == 1
    assert "no camera folder from 2015-01-01 to 2015-01-02" in done.stderr


def test_problems_point_to_the_log(archive: Path, weights_file: Path, tmp_path: Path) -> None:
    bad = write_minute(archive, MINUTE + timedelta(minutes=1), 2)
    bad.write_bytes(b"")
    done = aurorapt_here("classify", "2014-03-10", "2014-03-10", "--stream0", archive, "--weights", weights_file)
    assert done.returncode == 0
    assert "1 problem" in done.stdout
    assert "aurorapt.log" in done.stdout
    assert f"problem: {bad}: no image data" in (tmp_path / "aurorapt.log").read_text()


def test_a_failed_night_is_exit_1(archive: Path, weights_file: Path, tmp_path: Path) -> None:
    (tmp_path / "2014").write_text("in the way")
    done = aurorapt("classify", "2014-03-10", "2014-03-10", "--stream0", archive, "--weights", weights_file, "--json")
    assert done.returncode == 1
    assert json.loads(done.stdout)["failed"] == 1
    assert "1 failed" in aurorapt_here(*done.args[3:-1], "--quiet").stderr, "what failed is said even so"
    assert "cannot make folder" in (tmp_path / "aurorapt.log").read_text()


def test_weights_shows_what_a_file_is(weights_file: Path) -> None:
    done = aurorapt_here("weights", weights_file)
    assert done.returncode == 0
    for part in ("tiny", "converted", "bad_viewing, no_aurora, other_aurora, pulsating", "SHA-256"):
        assert part in done.stdout
    assert aurorapt_here("weights", "nowhere").returncode == 2


def test_version_and_help() -> None:
    assert aurorapt("--version").stdout.startswith("aurorapt ")
    for arguments in ((), ("-h",), ("classify", "-h")):
        done = aurorapt_here(*arguments)
        assert done.returncode == 0
        assert "Usage: " in done.stdout


def test_a_closed_pipe_is_no_traceback(weights_file: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m aurorapt weights {shlex.quote(str(weights_file))} | true"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_a_full_disk_behind_standard_output_is_one_line(weights_file: Path) -> None:
    command = f"{shlex.quote(sys.executable)} -m aurorapt weights {shlex.quote(str(weights_file))} > /dev/full"
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert "No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_ctrl_c_on_a_terminal_leaves_a_line_and_no_process(archive: Path, weights_file: Path) -> None:
    for number in range(1, 200):
        write_minute(archive, MINUTE + timedelta(minutes=number), 1)
    main_side, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    command = [sys.executable, "-m", "aurorapt", "classify", "2014-03-10", "2014-03-10", "--workers", "2"]
    options = ["--stream0", str(archive), "--weights", str(weights_file), "--batch-size", "1"]
    run = subprocess.Popen([*command, *options], stdout=terminal, stderr=terminal, start_new_session=True)
    os.close(terminal)
    seen = b""
    deadline = time.monotonic() + 300
    while b"20140310 gill_themis19" not in seen and time.monotonic() < deadline:
        seen += os.read(main_side, 4096)
    os.killpg(run.pid, signal.SIGINT)
    assert run.wait(timeout=30) == 130  # the promise is 3 s, but this machine may be busy
    try:
        while chunk := os.read(main_side, 4096):
            seen += chunk
    except OSError:  # the terminal closes when the last process that holds it has ended
        pass
    assert b"frames/s" in seen
    assert b"interrupted" in seen
    assert b"Traceback" not in seen
    with pytest.raises(ProcessLookupError):
        os.killpg(run.pid, 0)


@pytest.fixture
def stuck_run(archive: Path, weights_file: Path, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    """Give a run whose only worker is in a read that does not end and lets no alarm interrupt it."""
    mark = tmp_path / "reading"
    code = (
        "import pathlib, signal, time, aurorapt.cli.main, aurorapt.loader.dataset\n"
        "def stall(*_):\n"
        "    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM, signal.SIGTERM])\n"
        f"    pathlib.Path({str(mark)!r}).touch()\n"
        "    time.sleep(600)\n"
        "aurorapt.loader.dataset.read_minute = stall\n"
        "aurorapt.cli.main.main()"
    )
    options = ("--stream0", archive, "--weights", weights_file, "--workers", 1)
    arguments = ("classify", "2014-03-10", "2014-03-10", *options)
    command = [sys.executable, "-c", code, *map(str, arguments), "--output", str(tmp_path / "out")]
    run = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
    deadline = time.monotonic() + 300
    while not mark.exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert mark.exists()
    yield run
    with contextlib.suppress(ProcessLookupError):
        os.killpg(run.pid, signal.SIGKILL)
    run.communicate()


@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_stuck_run_ends_on_signals_and_leaves_nothing(
    stuck_run: "subprocess.Popen[str]", tmp_path: Path, number: signal.Signals, status: int
) -> None:
    stuck_run.send_signal(number)
    output, error = stuck_run.communicate(timeout=30)  # the promise is 3 s, but this machine may be busy
    assert stuck_run.returncode == status
    assert (output, error) == ("", "aurorapt: interrupted; the same command goes on after the last finished night\n")
    with pytest.raises(ProcessLookupError):
        os.killpg(stuck_run.pid, 0)
    assert [path for path in (tmp_path / "out").rglob("*") if path.is_file()] == []
    assert "ERROR interrupted" in (tmp_path / "aurorapt.log").read_text()


def test_a_run_that_does_not_end_in_order_ends_all_the_same(tmp_path: Path) -> None:
    code = (
        "import os, signal, threading, time\n"
        "from aurorapt.machine import interruption\n"
        "interruption.END_WITHIN = 0.2\n"
        "interruption.raise_on_signals()\n"
        "try:\n"
        "    os.kill(os.getpid(), signal.SIGTERM)\n"
        "finally:\n"
        "    time.sleep(600)"
    )
    assert subprocess.run([sys.executable, "-c", code], timeout=300, check=False).returncode == 143


def test_what_a_file_says_cannot_command_the_terminal(tmp_path: Path) -> None:
    weights = tmp_path / "bad.safetensors"
    header = json.dumps({"evil\x1b[2J\n": {"dtype": "F64", "shape": [0], "data_offsets": [0, 0]}, "__metadata__": {}})
    weights.write_bytes(len(header).to_bytes(8, "little") + header.encode())
    done = aurorapt("weights", weights)
    assert done.returncode == 2
    assert done.stderr.rstrip("\n").isprintable()


def test_a_name_that_is_no_text_is_one_line_too(tmp_path: Path) -> None:
    done = aurorapt("weights", os.fsdecode(b"caf\xe9.safetensors"))
    assert done.returncode == 2
    assert done.stderr.startswith("aurorapt: ")
    assert done.stderr.count("\n") == 1
