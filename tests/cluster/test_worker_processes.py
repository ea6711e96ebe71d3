"""Runs on workers that are processes of their own, which are killed, lost, and not alike."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from aurorapt.run.pipeline import classify
from tests.cluster.conftest import SITES, csv_files, left_behind
from tests.cluster.dask_processes import (
    Process,
    ended_at_last,
    free_port,
    kill,
    start_scheduler,
    start_worker,
    wait_for_listener,
    worker_process,
)
from tests.command_line import aurorapt, clean_environment
from tests.fake_camera import write_minute

KILL_EVERY = (2.0, 5.0)  # seconds
KILLS = 6
SPARED_AFTER = 2  # deaths at one camera-night; the third would make it fail, as it should
# What a worker does first. Dask forgets the names of this code, so that functions keep what they need by themselves.
DEADLY = """
import os
from aurorapt.loader import dataset
def read_or_die(minute_file, *arguments, read=dataset.read_minute, die=os._exit):
    if "20140311_0600_fsim" in minute_file.path.name:
        die(77)
    return read(minute_file, *arguments)
dataset.read_minute = read_or_die
"""
SLOW = """
import time
from aurorapt.loader import dataset
def read_slowly(*arguments, read=dataset.read_minute, sleep=time.sleep):
    sleep(0.3)
    return read(*arguments)
dataset.read_minute = read_slowly
"""
OTHER_VERSION = "import aurorapt\naurorapt.__version__ = '0.0.1'\n"


@pytest.fixture
def processes() -> Iterator[list[Process]]:
    with ended_at_last() as started:
        yield started


def cluster(processes: list[Process], *preload: str, workers: int = 2) -> str:
    """Start a scheduler and workers, and give its address."""
    address = f"tcp://127.0.0.1:{free_port()}"
    processes.append(start_scheduler(int(address.rpartition(":")[2])))
    words = [word for text in preload for word in ("--preload", text)]
    processes.extend(start_worker(address, *words) for _ in range(workers))
    wait_for_listener(address)
    return address


def words_of(stream0: Path, output: Path, weights_file: Path, scheduler: str) -> list[str]:
    places = {"--stream0": stream0, "--output": output, "--weights": weights_file, "--log-file": f"{output}.log"}
    options = [str(part) for option in places.items() for part in option]
    return ["classify", "2014-03-01", "2014-03-31", "--json", "--scheduler", scheduler, *options]


def start_run(words: list[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "aurorapt", *words],
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def wait_for_csv(output: Path, run: "subprocess.Popen[str]", count: int = 1) -> None:
    deadline = time.monotonic() + 60
    while len(list(output.rglob("*.txt"))) < count and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)


def test_local_processes_write_what_a_plain_run_writes_and_say_it_alike(
    stream0: Path, tmp_path: Path, weights_file: Path, expected: dict[str, bytes]
) -> None:
    words = words_of(stream0, tmp_path / "output", weights_file, "local:2x1")
    done = aurorapt(*[word for word in words if word != "--json"])
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("8 camera-nights: 8 written, 0 current, 0 failed; 56 frames in ")
    assert done.stderr == ""
    assert csv_files(tmp_path / "output") == expected
    assert not left_behind(tmp_path / "output")
    log = (tmp_path / "output.log").read_text()
    assert log.count(": written ") == 8
    assert "20140310 gill_themis19: problem: " in log
    assert "Traceback" not in log


@pytest.mark.slow
def test_a_terminal_interrupt_ends_local_processes_in_order(stream0: Path, tmp_path: Path, weights_file: Path) -> None:
    run = subprocess.Popen(
        [sys.executable, "-m", "aurorapt", *words_of(stream0, tmp_path / "output", weights_file, "local:2x1")],
        env=clean_environment() | {"DASK_DISTRIBUTED__WORKER__PRELOAD": json.dumps([SLOW])},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    wait_for_csv(tmp_path / "output", run, count=3)  # of which the first has surely been told
    os.killpg(run.pid, signal.SIGINT)  # as Ctrl-C: workers get it too
    output, error = run.communicate(timeout=30)
    assert run.returncode == 130
    assert error == "aurorapt: interrupted; the same command goes on after the last finished night\n"
    assert json.loads(output)["written"] >= 1
    assert not left_behind(tmp_path / "output")
    deadline = time.monotonic() + 20
    with pytest.raises(ProcessLookupError):  # nobody is left, soon
        while time.monotonic() < deadline:
            os.killpg(run.pid, 0)
            time.sleep(0.1)


@pytest.mark.slow
def test_sigterm_leaves_workers_idle_and_nothing_half_written(
    stream0: Path, tmp_path: Path, weights_file: Path, processes: list[Process], expected: dict[str, bytes]
) -> None:
    words = words_of(stream0, tmp_path / "output", weights_file, cluster(processes, SLOW))
    run = start_run(words)
    wait_for_csv(tmp_path / "output", run)
    run.terminate()
    run.communicate(timeout=30)
    assert run.returncode == 143
    time.sleep(1)  # more than a camera-night takes
    written = csv_files(tmp_path / "output")
    assert 1 <= len(written) < len(expected)
    assert not left_behind(tmp_path / "output")
    time.sleep(1)
    assert csv_files(tmp_path / "output") == written, "workers went on without their run"
    again = aurorapt(*words)
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["current"] == len(written)
    assert csv_files(tmp_path / "output") == expected


@pytest.mark.slow
def test_a_camera_night_that_kills_three_workers_fails_and_the_others_are_done(
    stream0: Path, tmp_path: Path, weights_file: Path, processes: list[Process], expected: dict[str, bytes]
) -> None:
    # slow, as what a worker says of its last camera-night takes a moment, and would die with it
    address = cluster(processes, DEADLY, SLOW)
    done = aurorapt(*words_of(stream0, tmp_path / "output", weights_file, address))
    assert done.returncode == 1, done.stderr
    summary = json.loads(done.stdout)
    assert (summary["written"], summary["failed"]) == (7, 1)
    deadly = "2014/03/11/20140311_fsim_themis_classifications.txt"
    assert csv_files(tmp_path / "output") == {name: text for name, text in expected.items() if name != deadly}
    assert not left_behind(tmp_path / "output")
    assert "20140311 fsim_themis05: failed: 3 worker processes died at it" in (tmp_path / "output.log").read_text()


@pytest.mark.slow
def test_a_lost_scheduler_is_one_line_and_a_new_one_goes_on(
    stream0: Path, tmp_path: Path, weights_file: Path, processes: list[Process], expected: dict[str, bytes]
) -> None:
    run = start_run(words_of(stream0, tmp_path / "output", weights_file, cluster(processes, SLOW)))
    wait_for_csv(tmp_path / "output", run)
    kill(processes[0])
    output, error = run.communicate(timeout=60)
    assert run.returncode == 1
    *_, last = error.splitlines()  # before it, perhaps, that no worker has come yet
    assert last == "aurorapt: the scheduler is lost; the same command goes on after the last finished night"
    assert json.loads(output)["written"] < len(expected)
    again = aurorapt(*words_of(stream0, tmp_path / "output", weights_file, cluster(processes)))
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["current"] >= 1
    assert csv_files(tmp_path / "output") == expected
    assert not left_behind(tmp_path / "output")


@pytest.mark.slow
def test_a_worker_of_another_version_is_refused_before_work_begins(
    stream0: Path, tmp_path: Path, weights_file: Path, processes: list[Process]
) -> None:
    done = aurorapt(*words_of(stream0, tmp_path / "output", weights_file, cluster(processes, OTHER_VERSION, workers=1)))
    assert done.returncode == 1
    assert done.stderr.startswith(f"aurorapt: worker {os.uname().nodename} (process ")
    assert "has aurorapt 0.0.1, and this machine 0.1.0; install the same on both\n" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not csv_files(tmp_path / "output")


@pytest.mark.slow
def test_workers_killed_at_random_lose_nothing(tmp_path: Path, weights_file: Path, processes: list[Process]) -> None:
    stream0, output = tmp_path / "stream0", tmp_path / "output"
    for day in range(1, 21):
        for site, device in SITES.items():
            for minute in range(2):
                write_minute(stream0, datetime(2014, 3, day, 6, minute), 8, site=site, device=device)
    classify("2014-03-01", "2014-03-31", stream0=stream0, output=tmp_path / "plain", weights=weights_file, workers=0)
    rng = random.Random(0)
    run = start_run(words_of(stream0, output, weights_file, cluster(processes, SLOW)))
    wait_for_csv(output, run)
    killed = killed_at_work = 0
    while run.poll() is None and killed < KILLS:
        time.sleep(rng.uniform(*KILL_EVERY))
        victim = worker_process(rng.choice(processes[1:]))
        held = [json.loads(text) for path in output.rglob(".*.lock") if (text := read_if_there(path))]
        deaths = [lock["deaths"] for lock in held if lock["process"] == victim]
        if victim is not None and max(deaths, default=0) < SPARED_AFTER:
            os.kill(victim, signal.SIGKILL)
            killed += 1
            killed_at_work += bool(deaths)
    summary, error = run.communicate(timeout=300)
    assert run.returncode == 0, error
    assert killed_at_work >= 1
    assert csv_files(output) == csv_files(tmp_path / "plain")
    assert len(csv_files(output)) == 40
    assert json.loads(summary)["failed"] == 0
    assert not left_behind(output)


def read_if_there(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError:
        return ""


@pytest.fixture
def namespaces() -> Iterator[list[list[str]]]:
    """Two network namespaces, with what runs a command in each; this machine's side of each has 10.89.N.1."""
    if shutil.which("ip") is None or os.geteuid() != 0:
        pytest.skip("network namespaces need the command ip and root")
    names = [f"aurorapt-test-{number}" for number in (1, 2)]
    try:
        for number, name in enumerate(names, 1):
            for words in (
                f"netns add {name}",
                f"link add aur{number} type veth peer name eth0 netns {name}",
                f"addr add 10.89.{number}.1/24 dev aur{number}",
                f"link set aur{number} up",
                f"-n {name} addr add 10.89.{number}.2/24 dev eth0",
                f"-n {name} link set eth0 up",
                f"-n {name} link set lo up",
            ):
                done = subprocess.run(["ip", *words.split()], capture_output=True, text=True, check=False)
                if done.returncode:
                    pytest.skip(f"no network namespaces on this machine: ip {words}: {done.stderr.strip()}")
        yield [["ip", "netns", "exec", name] for name in names]
    finally:
        for name in names:
            subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)


@pytest.mark.slow
def test_workers_in_networks_of_their_own_write_what_a_plain_run_writes(
    stream0: Path,
    tmp_path: Path,
    weights_file: Path,
    processes: list[Process],
    namespaces: list[list[str]],
    expected: dict[str, bytes],
) -> None:
    port = free_port("0.0.0.0")
    processes.append(start_scheduler(port, "0.0.0.0"))
    for number, inside in enumerate(namespaces, 1):
        processes.append(start_worker(f"tcp://10.89.{number}.1:{port}", prefix=inside))
    wait_for_listener(f"tcp://127.0.0.1:{port}")
    done = aurorapt(*words_of(stream0, tmp_path / "output", weights_file, f"tcp://127.0.0.1:{port}"))
    assert done.returncode == 0, done.stderr
    assert csv_files(tmp_path / "output") == expected
    assert not left_behind(tmp_path / "output")
