"""Dead and stuck workers: no minute is lost, none comes twice, and the order stays."""

import errno
import itertools
import logging
import multiprocessing
import os
import re
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest

from aurorapt.archive import frames
from aurorapt.archive.camera_nights import CameraNight
from aurorapt.archive.frames import Minute
from aurorapt.archive.night_listing import MinuteFile
from aurorapt.errors import AuroraptError
from aurorapt.images.preprocess import Preprocessor
from aurorapt.loader import supervisor
from aurorapt.loader.dataset import START_METHOD, Job, MinuteDataset, PreparedMinute
from aurorapt.loader.supervisor import HOPELESS_DEATHS, prepared_minutes
from tests.fake_camera import frame_bytes, header, image

ROOT = Path(__file__).resolve().parents[2]
MINUTE = datetime(2014, 3, 10, 6, 0)
NIGHT = CameraNight(date(2014, 3, 10), "gill", "themis19", Path("gill_themis19"))
PREPROCESSOR = Preprocessor(np.ones((256, 256), np.uint8), (32, 32))
COUNT = 30


def job(number: int) -> Job:
    return Job(NIGHT, MinuteFile(Path(f"{number:02}.pgm")))


def name(prepared: PreparedMinute) -> str:
    assert prepared.job.minute_file is not None
    return prepared.job.minute_file.path.stem


def dataset(file_timeout: float = 60) -> MinuteDataset:
    return MinuteDataset(PREPROCESSOR, file_timeout)


@pytest.fixture
def reading(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[str], None]], None]:
    """Let worker processes do something instead of reading; they are forked and so know of it."""
    if START_METHOD != "fork":
        pytest.skip("workers that are not forked do not know what a test replaced")

    def set_reading(action: Callable[[str], None]) -> None:
        def read(minute_file: MinuteFile, *_: object) -> Minute:
            action(minute_file.path.stem)
            return Minute()

        monkeypatch.setattr("aurorapt.loader.dataset.read_minute", read)

    return set_reading


def once(marks: Path, key: str) -> bool:
    """Whether this is the first time, over all processes."""
    try:
        (marks / key).touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("workers", [1, 3])
def test_a_worker_that_dies_costs_nothing(
    reading: Callable[[Callable[[str], None]], None], tmp_path: Path, caplog: pytest.LogCaptureFixture, workers: int
) -> None:
    reading(lambda key: die() if key in ("00", "07", "08", "29") and once(tmp_path, key) else None)
    done = list(prepared_minutes(map(job, range(COUNT)), dataset(), workers))
    assert [name(prepared) for prepared in done] == [f"{number:02}" for number in range(COUNT)]
    assert not any(prepared.problems for prepared in done)
    told = len(
        re.findall(r"a worker process died \((?:SIGKILL|cause unknown)\); workers are started again, at ", caplog.text)
    )
    assert told in ((4,) if workers == 1 else (3, 4)), "two workers that die at the same time may be one message"


@pytest.mark.parametrize("workers", [1, 3])
def test_a_file_at_which_workers_die_three_times_is_a_problem(
    reading: Callable[[Callable[[str], None]], None], tmp_path: Path, workers: int
) -> None:
    def fatal(key: str) -> None:
        if key in ("07", "08"):
            (tmp_path / f"{key} {time.monotonic_ns()}").touch()
            die()

    reading(fatal)
    done = list(prepared_minutes(map(job, range(COUNT)), dataset(), workers))
    assert [name(prepared) for prepared in done] == [f"{number:02}" for number in range(COUNT)]
    problems = [problem for prepared in done for problem in prepared.problems]
    assert [(problem.file, problem.may_pass) for problem in problems] == [("07.pgm", True), ("08.pgm", True)]
    assert problems[0].reason == "3 worker processes died at it (SIGKILL)"
    # the first worker dies among others' files, so that nobody knows whose fault it is
    assert all(len(list(tmp_path.glob(f"{key} *"))) <= 4 for key in ("07", "08"))


def test_workers_that_die_whatever_they_read_end_the_run(reading: Callable[[Callable[[str], None]], None]) -> None:
    reading(lambda key: die())
    with pytest.raises(AuroraptError, match=rf"{HOPELESS_DEATHS} worker processes died one after another \(SIGKILL\)"):
        list(prepared_minutes(map(job, range(COUNT)), dataset(), 2))


def test_a_worker_killed_while_it_hands_over_hangs_nothing(
    reading: Callable[[Callable[[str], None]], None], tmp_path: Path
) -> None:
    """The pipe then holds half an item, and its lock has no owner."""

    def half_and_die(connection: Connection, content: bytes) -> None:
        os.write(connection.fileno(), struct.pack("!i", len(content)) + bytes(content[:100]))
        time.sleep(0.5)  # so that the main process is in the middle of reading
        die()

    def break_the_pipe(key: str) -> None:
        if key == "05" and once(tmp_path, key):
            Connection._send_bytes = half_and_die  # type: ignore[method-assign]

    reading(break_the_pipe)
    minutes = prepared_minutes(map(job, range(12)), dataset(), 2)
    assert [name(prepared) for prepared in minutes] == [f"{number:02}" for number in range(12)]


def test_only_what_is_under_way_is_held(reading: Callable[[Callable[[str], None]], None], tmp_path: Path) -> None:
    handed_out = itertools.count()
    last = -1

    def jobs() -> Iterator[Job]:
        nonlocal last
        for last in handed_out:
            yield job(last)

    reading(lambda key: die() if key in ("04", "11") and once(tmp_path, key) else None)
    minutes = prepared_minutes(jobs(), dataset(), 2)
    for number, prepared in zip(range(20), minutes, strict=False):
        assert name(prepared) == f"{number:02}"
        assert last - number <= 2 * 2 + 1
    minutes.close()


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_start_as_stated_whatever_the_default(tmp_path: Path, method: str) -> None:
    """Each in a process of its own, where Python's default is the other one; forking is no cause for a warning."""
    other = "spawn" if method == "fork" else "fork"
    (tmp_path / "start.py").write_text(
        f"""
import multiprocessing
import threading
import warnings

from aurorapt.loader import dataset, supervisor
from tests.loader.test_supervisor import Job, MinuteFile, NIGHT, Path, dataset as minutes

if __name__ == "__main__":
    warnings.filterwarnings("error", message=".*use of fork")
    multiprocessing.set_start_method({other!r})
    dataset.START_METHOD = {method!r}
    threading.Thread(target=threading.Event().wait, daemon=True).start()
    done = []
    for prepared in supervisor.prepared_minutes([Job(NIGHT, MinuteFile(Path("nowhere.pgm")))] * 3, minutes(), 1):
        done.append(prepared.problems[0].reason)
        print(*{{type(child).__name__ for child in multiprocessing.active_children()}}, done[-1])
"""
    )
    command = [sys.executable, str(tmp_path / "start.py")]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    kind = "ForkProcess" if method == "fork" else "SpawnProcess"
    assert done.stdout.splitlines() == [f"{kind} cannot be read: No such file or directory"] * 3
    assert done.stderr == ""


@pytest.mark.parametrize("workers", [0, 1, 2])
def test_a_file_that_stalls_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, workers: int) -> None:
    """A FIFO that nobody writes to: opening it waits for ever."""
    paths = [tmp_path / f"{number:02}.pgm" for number in range(6)]
    for path in paths:
        os.mkfifo(path) if path.stem == "03" else path.write_bytes(b"")
    jobs = [Job(NIGHT, MinuteFile(path)) for path in paths]
    done = list(prepared_minutes(jobs, dataset(file_timeout=1), workers))
    assert [prepared.job for prepared in done] == jobs
    (problem,) = done[3].problems
    assert (problem.file, problem.reason, problem.may_pass) == (str(paths[3]), "not read within 1 s", True)
    assert all(prepared.problems[0].reason == "no image data" for prepared in done if prepared is not done[3])


def test_a_stalled_copy_gives_way_to_its_twin(tmp_path: Path) -> None:
    stalled, twin = tmp_path / "00.pgm.gz", tmp_path / "00.pgm"
    os.mkfifo(stalled)
    twin.write_bytes(b"")
    minute = frames.read_minute(MinuteFile(stalled, (twin,)), "gill", NIGHT.date, file_timeout=1)
    assert [problem.reason for problem in minute.problems] == ["not read within 1 s", "no image data"]


def test_a_reader_that_swallows_every_exception_is_given_up_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tolerant(*_: object, **__: object) -> None:
        while True:
            try:
                time.sleep(60)
            except Exception:
                continue

    monkeypatch.setattr("themis_imager_readfile.read", tolerant)
    path = tmp_path / "00.pgm"
    sound_but_not_plain = [b"P5\r", *header(MINUTE)[1:]]
    path.write_bytes(frame_bytes(header(MINUTE), image(0)) + frame_bytes(sound_but_not_plain, image(1)))
    minute = frames.read_minute(MinuteFile(path), "gill", NIGHT.date, file_timeout=0.2)
    assert [problem.reason for problem in minute.problems] == ["not read within 0.2 s"]


def test_a_worker_that_does_not_even_take_signals_is_killed(
    reading: Callable[[Callable[[str], None]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that is gone; only the main process can see to that."""

    def hang(key: str) -> None:
        if key == "03":
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGALRM, signal.SIGTERM])
            time.sleep(600)

    monkeypatch.setattr(supervisor, "STUCK_MARGIN", 3.0)  # a worker needs some of it to start where processors are busy
    reading(hang)
    done = list(prepared_minutes(map(job, range(8)), dataset(file_timeout=1), 2))
    assert [name(prepared) for prepared in done] == [f"{number:02}" for number in range(8)]
    problems = [problem for prepared in done for problem in prepared.problems]
    assert [(problem.file, problem.may_pass) for problem in problems] == [("03.pgm", True)]
    assert problems[0].reason == "its worker process did not answer within 5 s"


def has_dead_child() -> bool:
    """Tell whether a process that this one has started is dead and was not waited for."""
    try:
        return os.waitpid(-1, os.WNOHANG) != (0, 0)
    except ChildProcessError:
        return False


def test_restarts_leave_no_process_descriptor_or_handler(
    reading: Callable[[Callable[[str], None]], None], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR)
    list(prepared_minutes(map(job, range(2)), dataset(), 1))  # torch sets its handler for good with its first worker
    handler = signal.getsignal(signal.SIGCHLD)
    before = len(os.listdir("/dev/fd"))
    children = set(multiprocessing.active_children())
    reading(lambda key: die() if once(tmp_path, key) else None)
    list(prepared_minutes(map(job, range(8)), dataset(), 2))
    deadline = time.monotonic() + 10  # the queue to each worker is closed by a thread of its own, two descriptors each
    while len(os.listdir("/dev/fd")) > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert len(os.listdir("/dev/fd")) <= before
    assert signal.getsignal(signal.SIGCHLD) is handler
    assert not has_dead_child()
    assert set(multiprocessing.active_children()) == children


def test_processes_of_others_are_left_alone(reading: Callable[[Callable[[str], None]], None], tmp_path: Path) -> None:
    reading(lambda key: die() if key == "03" and once(tmp_path, key) else None)
    minutes = prepared_minutes(map(job, range(8)), dataset(), 2)
    next(minutes)
    other = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    other.start()
    try:
        assert len(list(minutes)) == 7
        assert other.is_alive()
    finally:
        other.kill()
        other.join()


def test_the_archives_own_faults_pass_through(reading: Callable[[Callable[[str], None]], None]) -> None:
    def jobs() -> Iterator[Job]:
        yield from map(job, range(3))
        raise OSError(errno.EIO, "Input/output error")

    reading(lambda key: None)
    with pytest.raises(OSError, match="Input/output error"):
        list(prepared_minutes(jobs(), dataset(), 2))
