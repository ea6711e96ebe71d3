import json
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aurorapt.machine import locks
from aurorapt.machine.locks import Locks


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / ".night.lock"


def age(path: Path, seconds: float) -> None:
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


def leave_lock(path: Path, **changes: object) -> None:
    """Leave the lock of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    path.write_text(json.dumps({"host": locks._host(), "process": process.pid, "token": "old"} | changes))


def test_a_lock_is_held_by_one_and_leaves_nothing(path: Path) -> None:
    first, second = Locks(), Locks()
    lock = first.acquire(path)
    assert lock is not None
    assert lock.is_held()
    assert second.acquire(path) is None
    assert second.acquire(path) is None
    assert os.listdir(path.parent) == [path.name]
    first.close()
    assert not lock.is_held()
    assert os.listdir(path.parent) == []
    assert second.acquire(path) is not None
    second.close()


def test_the_lock_of_a_dead_process_of_this_host_is_taken_over_at_once(path: Path) -> None:
    leave_lock(path)
    own = Locks()
    lock = own.acquire(path)
    assert lock is not None
    assert lock.is_held()
    own.close()
    assert os.listdir(path.parent) == []


def test_the_lock_of_a_run_of_several_processes_is_taken_over_by_that_run_at_once_and_counts_deaths(path: Path) -> None:
    """On another host nothing else tells that a process died: the next one would wait for a quarter of an hour."""
    leave_lock(path, host="another", run="ours")
    assert Locks().acquire(path) is None
    assert Locks("another run").acquire(path) is None
    for deaths in (1, 2):
        own = Locks("ours")
        assert own.deaths(path) == deaths
        lock = own.acquire(path)
        assert lock is not None
        assert lock.deaths == deaths
    own.close()
    assert os.listdir(path.parent) == []
    assert own.deaths(path) == 0


def test_a_process_that_lost_its_lock_to_another_of_its_run_knows(path: Path) -> None:
    """As where a scheduler has given up a worker that lives: what that makes is not written."""
    slow, next_one = Locks("ours"), Locks("ours")
    lost = slow.acquire(path)
    assert lost is not None
    assert next_one.acquire(path) is not None
    assert not lost.is_held()
    slow.close()
    assert path.exists()
    next_one.close()


@pytest.mark.parametrize("content", ['{"host": "another", "process": 1, "token": "old"}', '{"token": "x"}'])
def test_the_lock_of_another_host_is_taken_over_once_it_is_not_touched(path: Path, content: str) -> None:
    path.write_text(content)
    own = Locks()
    assert own.acquire(path) is None
    age(path, locks.STALE_AFTER - 60)
    assert own.acquire(path) is None
    age(path, locks.STALE_AFTER + 60)
    assert own.acquire(path) is not None
    own.close()
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize("content", ["", '{"host": "thi', "[]", '{"process": "x"}'])
def test_a_lock_that_was_not_signed_is_taken_over_after_seconds(path: Path, content: str) -> None:
    """A run killed between making and signing its lock made the next one wait for a quarter of an hour."""
    path.write_text(content)
    own = Locks()
    assert own.acquire(path) is None
    age(path, locks.UNSIGNED_AFTER + 1)
    assert own.acquire(path) is not None
    own.close()
    assert os.listdir(path.parent) == []


def test_a_lock_that_was_taken_over_is_noticed_and_not_removed(path: Path) -> None:
    sleeper = Locks()
    lock = sleeper.acquire(path)
    assert lock is not None
    age(path, locks.STALE_AFTER + 60)
    path.write_text(path.read_text().replace(locks._host(), "another"))
    age(path, locks.STALE_AFTER + 60)
    other = Locks()
    assert other.acquire(path) is not None
    assert not lock.is_held()
    sleeper.close()
    assert path.exists()
    other.close()


def test_a_held_lock_is_touched(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "HEARTBEAT", 0.02)
    own = Locks()
    assert own.acquire(path) is not None
    age(path, 1000)
    old = path.stat().st_mtime
    deadline = time.monotonic() + 300
    while path.stat().st_mtime == old and time.monotonic() < deadline:
        time.sleep(0.01)
    assert path.stat().st_mtime > old + 900
    own.close()


@pytest.mark.parametrize("signed", [False, True])
def test_a_guard_left_behind_is_removed_in_the_end(path: Path, signed: bool) -> None:
    leave_lock(path)
    guard = path.with_name(path.name + ".guard")
    guard.touch()
    own = Locks()
    assert own.acquire(path) is None
    if signed:
        leave_lock(guard)
    else:
        age(guard, locks.UNSIGNED_AFTER + 1)
    assert own.acquire(path) is None
    assert own.acquire(path) is not None
    own.close()
    assert os.listdir(path.parent) == []


def test_a_guard_that_another_run_has_just_made_is_left_alone(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that is released while it is looked at is no stale one: by then the name may be another run's."""
    leave_lock(path)
    guard = path.with_name(path.name + ".guard")
    guard.touch()
    read = locks._read

    def read_and_release(file: Path) -> dict[str, object]:
        owner = read(file)
        if file == guard:
            guard.unlink()
        return owner

    unlink, removed = Path.unlink, []

    def note_and_unlink(file: Path, missing_ok: bool = False) -> None:
        removed.append(file)
        unlink(file, missing_ok)

    monkeypatch.setattr(locks, "_read", read_and_release)
    monkeypatch.setattr(Path, "unlink", note_and_unlink)
    assert Locks().acquire(path) is None
    assert removed.count(guard) == 1, "its owner alone removes it"


def _acquire_all(folder: Path, count: int, start: threading.Barrier) -> list[int]:
    own = Locks()
    start.wait()
    taken = [number for number in range(count) if own.acquire(folder / f"{number}.lock") is not None]
    start.wait()  # held until all have tried
    own.close()
    return taken


@pytest.mark.parametrize("stale", [False, True])
def test_of_many_that_want_a_lock_one_has_it(tmp_path: Path, stale: bool) -> None:
    count, runs = 200, 4
    for number in range(count * stale):
        (tmp_path / f"{number}.lock").write_text('{"host": "another", "process": 1, "token": "old"}')
        age(tmp_path / f"{number}.lock", locks.STALE_AFTER + 60)
    barrier = threading.Barrier(runs)
    with ThreadPoolExecutor(runs) as pool:
        taken = [pool.submit(_acquire_all, tmp_path, count, barrier) for _ in range(runs)]
        numbers = sorted(number for future in taken for number in future.result(timeout=300))
    assert numbers == list(range(count))
    assert os.listdir(tmp_path) == []


@pytest.mark.skipif(not Path("/proc/sys/kernel/random/boot_id").exists(), reason="the system tells no boots apart")
def test_the_lock_of_another_boot_of_this_host_is_taken_over_at_once(path: Path) -> None:
    """After a reboot the process number may be another program's, and the lock seemed a living run's."""
    name, _, *rest = locks._host().split(" ")
    owner = {"host": " ".join([name, "another-boot", *rest]), "process": os.getpid(), "token": "old"}
    path.write_text(json.dumps(owner | {"machine": "another of that name"}))
    own = Locks()
    assert own.acquire(path) is None
    path.write_text(json.dumps(owner | {"machine": locks._machine()}))
    lock = own.acquire(path)
    assert lock is not None
    own.release(lock)
    path.write_text(json.dumps(owner))
    assert own.acquire(path) is not None
    own.close()


@pytest.mark.parametrize(
    ("content", "limit"), [('{"host": "another", "process": 1, "token": "x"}', "STALE_AFTER"), ("", "UNSIGNED_AFTER")]
)
def test_a_time_in_the_future_is_waited_for_no_longer_than_the_limit(
    path: Path, content: str, limit: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_text(content)
    age(path, -10 * 365 * 86400)
    own = Locks()
    assert own.acquire(path) is None
    now = time.monotonic() + getattr(locks, limit)
    monkeypatch.setattr(locks, "monotonic", lambda: now - 1)
    assert own.acquire(path) is None
    age(path, -11 * 365 * 86400)  # a sign of life, by a clock that is wrong
    monkeypatch.setattr(locks, "monotonic", lambda: now + 1)
    assert own.acquire(path) is None
    monkeypatch.setattr(locks, "monotonic", lambda: now + 2 + getattr(locks, limit))
    assert own.acquire(path) is not None
    own.close()
    assert os.listdir(path.parent) == []


HOSTILE = [
    b"[" * 4000,
    b'{"host": "x", "process": ' + b"9" * 4000 + b', "token": "x"}',
    b'{"host": ["x"], "process": {}, "token": []}',
    b'{"host": null, "process": null, "token": null}',
    b'{"host": "%s", "process": 1e999, "token": 1}',
    b'{"host": "%s", "process": -1, "token": "x"}',
    b'{"host": "", "process": 0, "token": "x"}',
    b"\xff\xfe\x00",
    b" " * 10**6,
]


@pytest.mark.parametrize("content", HOSTILE, ids=range(len(HOSTILE)))
def test_what_a_lock_says_is_never_an_exception(path: Path, content: bytes) -> None:
    path.write_bytes(content.replace(b"%s", locks._host().encode()))
    own = Locks()
    assert own.acquire(path) is None
    age(path, locks.STALE_AFTER + 1)
    assert own.acquire(path) is not None
    own.close()
    assert os.listdir(path.parent) == []


@pytest.mark.parametrize("kind", ["fifo", "link to nowhere", "link to itself", "link to a fifo", "link to a device"])
def test_a_lock_that_is_no_file_hangs_nothing(path: Path, kind: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "fifo"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "link to a fifo":
        os.mkfifo(elsewhere)
        path.symlink_to(elsewhere)
    else:
        path.symlink_to(
            {"link to nowhere": "nowhere", "link to itself": path.name, "link to a device": "/dev/zero"}[kind]
        )
    own = Locks()
    assert own.acquire(path) is None
    moment = time.time() - locks.UNSIGNED_AFTER - 1
    os.utime(path, (moment, moment), follow_symlinks=False)
    assert own.acquire(path) is not None
    own.close()
    assert os.listdir(path.parent) == []
