"""Every end of a command is said: in one line, an exit status and, where one is open, the log."""

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from tests.command_line import clean_environment, hear_signals
from tests.fake_camera import write_minute

pytestmark = pytest.mark.usefixtures("own_folder")

RESULT = "out/2014/03/10/20140310_gill_themis_classifications.txt"
INTERRUPTED = "aurorapt: interrupted; the same command goes on after the last finished night\n"
SIGNALS = [(signal.SIGTERM, 143), (signal.SIGINT, 130), (signal.SIGHUP, 129)]
# run before the command, with its words in sys.argv
COMMAND = "\nfrom aurorapt.cli.main import main\nmain()"
# a module that is imported by the command, with something to happen while it is
IMPORTED = """
import builtins, os, signal, sys
original = builtins.__import__
def imported(name, *arguments):
    if name == {name!r} and name not in sys.modules:
        {happens}
    return original(name, *arguments)
builtins.__import__ = imported
"""


@pytest.fixture
def words(stream0: Path, weights_file: Path) -> list[str]:
    """Words of a run of one minute."""
    options = ["--stream0", str(stream0), "--weights", str(weights_file), "--output", "out", "--workers", "0"]
    return ["classify", "2014-03-10", "2014-03-10", *options]


def run(
    words: list[str], first: str = "", shell: str = "", prepare: Callable[[], None] = hear_signals
) -> "subprocess.CompletedProcess[str]":
    """Run a command after some code, its streams as the shell words say."""
    start = ["-c", first + COMMAND] if first else ["-m", "aurorapt"]
    command = [sys.executable, *start, *words]
    if shell:
        command = ["sh", "-c", f'exec "$@" {shell}', "sh", *command]
    return subprocess.run(
        command,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=prepare,
    )


def is_one_line(text: str) -> bool:
    return text.startswith("aurorapt: ") and text.endswith("\n") and text.count("\n") == 1


@pytest.mark.parametrize(
    ("number", "status", "name"),
    [(*SIGNALS[0], "typer"), (*SIGNALS[1], "numpy"), *((*number, "torch") for number in SIGNALS)],
)
def test_a_signal_while_something_is_imported(words: list[str], number: int, status: int, name: str) -> None:
    done = run(words, IMPORTED.format(name=name, happens=f"os.kill(os.getpid(), {int(number)})"))
    assert (done.returncode, done.stdout) == (status, "")
    assert is_one_line(done.stderr)
    if name == "torch":
        assert done.stderr == INTERRUPTED
        *_, interrupted, end = Path("aurorapt.log").read_text().splitlines()
        assert interrupted.endswith("ERROR interrupted")
        assert " end: {" in end


@pytest.mark.parametrize("name", ["typer", "torch"])
def test_a_signal_whose_exception_would_be_swallowed_by_an_import(words: list[str], name: str) -> None:
    happens = "try: os.kill(os.getpid(), signal.SIGTERM)\n        except BaseException: pass"
    done = run(words, IMPORTED.format(name=name, happens=happens))
    assert done.returncode == 143
    assert is_one_line(done.stderr)


SWALLOWERS = {
    "a __del__": "class Last:\n    def __del__(self): kill()\nswallow = Last",
    "a weak reference's callback": (
        "import weakref\nclass Thing: pass\ndef swallow():\n    thing = Thing()\n"
        "    reference = weakref.ref(thing, lambda _: kill())\n    del thing"
    ),
    "a callback of C code": "import ctypes\nswallow = ctypes.CFUNCTYPE(None)(lambda: kill())",
    "a bare except": "def swallow():\n    try: kill()\n    except BaseException: pass",
    "an exception of its own": "def swallow():\n    try: kill()\n    except BaseException: raise ValueError from None",
}


@pytest.mark.parametrize("swallower", SWALLOWERS)
def test_an_interrupt_that_is_swallowed_during_a_run(words: list[str], swallower: str) -> None:
    first = f"""
import os, signal, time
import aurorapt.run.found_nights as found_nights
def kill():
    os.kill(os.getpid(), signal.SIGTERM)
    sum(range(1000))  # time for the handler
{SWALLOWERS[swallower]}
def camera_nights(*arguments, **options):
    swallow()
    time.sleep(600)
found_nights.camera_nights = camera_nights
"""
    done = run(words, first)
    assert (done.returncode, done.stdout, done.stderr) == (143, "", INTERRUPTED)
    *_, interrupted, end = Path("aurorapt.log").read_text().splitlines()
    assert interrupted.endswith("ERROR interrupted")
    assert " end: {" in end


def test_an_interrupt_that_is_swallowed_again_and_again_ends_the_run_all_the_same(words: list[str]) -> None:
    first = """
import os, signal, time
import aurorapt.run.found_nights as found_nights
def camera_nights(*arguments, **options):
    os.kill(os.getpid(), signal.SIGTERM)
    while True:
        try: time.sleep(0.1)
        except BaseException: pass
found_nights.camera_nights = camera_nights
"""
    done = run(words, first)
    assert (done.returncode, done.stdout, done.stderr) == (143, "", INTERRUPTED)
    assert " end: {" in Path("aurorapt.log").read_text()


def test_a_hang_up_that_is_ignored_stays_so(words: list[str]) -> None:
    first = IMPORTED.format(name="torch", happens="os.kill(os.getpid(), signal.SIGHUP)")
    done = run(words, first, prepare=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN) and None)
    assert done.returncode == 0, done.stderr
    assert Path(RESULT).exists()


@pytest.mark.parametrize("shell", ["2>&-", ">&-", ">&- 2>&- <&-", "2>/dev/full", ">/dev/full"])
def test_streams_that_cannot_be_written_do_not_stop_the_work(words: list[str], shell: str) -> None:
    done = run(words, shell=shell)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr
    assert len(Path(RESULT).read_text().splitlines()) == 9
    assert '"written": 1' in Path("aurorapt.log").read_text()
    assert not Path(RESULT).read_text().count("aurorapt:"), "no stream took the number of a result"


def test_what_a_command_is_run_for_and_cannot_be_printed_is_said(words: list[str]) -> None:
    for command in ([*words, "--json"], ["weights", words[6]], ["-h"], ["--version"]):
        done = run(command, shell=">/dev/full")
        assert (done.returncode, done.stderr) == (
            1,
            "aurorapt: cannot write to standard output: No space left on device\n",
        )


def test_a_log_that_cannot_be_written_is_said_when_the_work_is_done(words: list[str]) -> None:
    done = run([*words, "--log-file", "/dev/full"])
    assert done.returncode == 1
    assert done.stderr == "aurorapt: the log /dev/full is not whole: No space left on device\n"
    assert Path(RESULT).exists()


def test_a_log_that_is_deleted_is_said_when_the_work_is_done(words: list[str]) -> None:
    done = run(words, IMPORTED.format(name="torch", happens="os.unlink('aurorapt.log')"))
    assert done.returncode == 1
    assert done.stderr == "aurorapt: the log aurorapt.log is not whole: it was deleted during the run\n"
    assert Path(RESULT).exists()


RAISED = ["MemoryError", "ImportError('no\\n\\nroom')", "OSError(12, 'x')"]


@pytest.mark.parametrize("error", RAISED)
def test_an_error_that_nobody_foresaw_is_one_line_and_a_traceback_in_the_log(words: list[str], error: str) -> None:
    done = run(words, IMPORTED.format(name="torch", happens=f"raise {error}"))
    assert (done.returncode, done.stdout) == (1, "")
    assert is_one_line(done.stderr)
    assert "full traceback in aurorapt.log" in done.stderr
    text = Path("aurorapt.log").read_text()
    assert "Traceback" in text
    assert " end: {" in text


@pytest.mark.parametrize("name", ["typer", "numpy", "aurorapt.cli.commands"])
def test_a_program_that_cannot_be_loaded_says_so(words: list[str], name: str) -> None:
    for error in ("MemoryError", "ImportError('no room')"):
        done = run(words, IMPORTED.format(name=name, happens=f"raise {error}"))
        assert (done.returncode, done.stdout) == (1, "")
        assert is_one_line(done.stderr)


@pytest.mark.parametrize("command", ["verify out", "simulate new 20140310 20140310", "demo", "weights"])
def test_no_command_prints_a_traceback(command: str) -> None:
    Path("out").mkdir()
    first = """
import aurorapt.results.verify, aurorapt.simulation.simulated_archive, aurorapt.demo, aurorapt.cli.weights
def fail(*arguments): raise OverflowError("int too large to convert to float")
aurorapt.results.verify.verify = aurorapt.simulation.simulated_archive.simulate_archive = fail
aurorapt.demo.run_demo = aurorapt.cli.weights.read_weights = fail
"""
    done = run(command.split(), first)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "aurorapt: unexpected error, OverflowError: int too large to convert to float\n"


def limit_memory(kilobytes: int) -> Callable[[], None]:
    return lambda: resource.setrlimit(resource.RLIMIT_AS, (kilobytes * 1024, kilobytes * 1024))


@pytest.mark.skipif(sys.platform != "linux", reason="address space is limited there")
@pytest.mark.parametrize("command", ["classify", "weights"])
def test_too_little_memory_is_one_line(words: list[str], command: str) -> None:
    arguments = words if command == "classify" else [command]
    done = run(arguments, prepare=limit_memory(400_000))
    assert done.returncode == 1
    assert is_one_line(done.stderr)


def test_threads_that_cannot_be_started_are_one_line(words: list[str]) -> None:
    first = """
import threading
def start(self): raise RuntimeError("can't start new thread")
threading.Thread.start = start
"""
    done = run(words, first)
    assert done.returncode == 1
    assert is_one_line(done.stderr)
    assert "ulimit -u" in done.stderr


@pytest.mark.parametrize("error", ["OSError(30, 'Read-only file system')", "FileNotFoundError(2, 'No such file')"])
def test_without_a_writable_dev_shm_the_line_says_what_helps(words: list[str], error: str) -> None:
    first = f"""
import _multiprocessing
class SemLock(_multiprocessing.SemLock):
    def __new__(cls, *arguments): raise {error}
_multiprocessing.SemLock = SemLock
"""
    done = run([*words, "--workers", "2"], first)
    assert done.returncode == 1
    assert is_one_line(done.stderr)
    assert "--workers 0" in done.stderr
    assert run([*words, "--workers", "0"], first).returncode == 0


def test_the_log_has_times_with_their_zone(words: list[str]) -> None:
    assert run(words).returncode == 0
    for line in Path("aurorapt.log").read_text().splitlines():
        offset = datetime.fromisoformat(line.split()[0]).utcoffset()
        assert offset is not None
        assert not offset


def test_sites_that_are_not_there_are_named(words: list[str], stream0: Path) -> None:
    write_minute(stream0, datetime(2014, 3, 10, 6, 0), 1, site="fsim", device="themis5")
    done = run([*words, "--site", "GILL", "--site", "nope", "--json"])
    assert done.returncode == 0
    assert done.stderr == "aurorapt: no camera folder of nope on these dates; sites there: fsim, gill\n"
    assert json.loads(done.stdout)["sites_not_found"] == ["nope"]
    assert "no camera folder of nope" in Path("aurorapt.log").read_text()
    done = run([*words, "--site", "nope", "--quiet"])
    assert done.returncode == 1
    assert done.stderr == "aurorapt: no camera folder of nope on these dates; sites there: fsim, gill\n"


def test_a_run_that_waits_for_another_says_so_once(words: list[str], tmp_path: Path) -> None:
    lock = tmp_path / "out/2014/03/10/.20140310_gill_themis19.lock"
    lock.parent.mkdir(parents=True)
    lock.write_text(json.dumps({"host": "another", "process": 1, "token": "x"}))
    first = f"""
import os, aurorapt.run.pipeline as pipeline
pipeline.LOOK_AGAIN_AFTER = 0.1
looks = []
def sleep(seconds):
    looks.append(seconds)
    if len(looks) == 3: os.unlink({str(lock)!r})
pipeline.sleep = sleep
"""
    done = run([*words, "--quiet"], first)
    assert done.returncode == 0, done.stderr
    assert is_one_line(done.stderr)
    assert "waiting for another run, which is at 20140310 gill_themis19" in done.stderr


def test_a_reader_that_has_left_is_told_by_the_exit_status_alone(words: list[str]) -> None:
    for command, status in ((words, 0), ([*words, "--json"], 1)):
        process = subprocess.Popen(
            [sys.executable, "-m", "aurorapt", *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        process.stdout.close()
        assert process.stderr is not None
        assert (process.stderr.read(), process.wait(timeout=120)) == ("", status)
        process.stderr.close()
        assert Path(RESULT).exists()
