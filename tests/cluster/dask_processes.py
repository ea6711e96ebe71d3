"""A Dask scheduler and its workers as processes of their own, started as by hand."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.command_line import clean_environment

PROJECT = Path(__file__).resolve().parent.parent.parent
Process = subprocess.Popen[bytes]
START_WITHIN = 60.0  # seconds


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket() as listener:
        listener.bind((host, 0))
        return int(listener.getsockname()[1])


def start(*words: object, prefix: Sequence[str] = (), **environment: str) -> Process:
    """Start ``dask`` with these words, silent, in a process group of its own."""
    return subprocess.Popen(
        [*prefix, sys.executable, "-m", "dask", *map(str, words)],
        env=clean_environment() | {"PYTHONPATH": str(PROJECT)} | environment,
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def kill(process: Process) -> None:
    """End a process and its children at once."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def start_scheduler(port: int, host: str = "127.0.0.1", prefix: Sequence[str] = ()) -> Process:
    """Start a scheduler."""
    return start("scheduler", "--host", host, "--port", port, "--dashboard-address", ":0", "--no-show", prefix=prefix)


def start_worker(address: str, *words: object, prefix: Sequence[str] = ()) -> Process:
    """Start a worker of one thread, which its nanny starts again when it dies."""
    options = ("--nworkers", 1, "--nthreads", 1, "--no-dashboard", "--memory-limit", 0, "--death-timeout", 60)
    return start("worker", address, *options, *words, prefix=prefix)


def worker_process(nanny: Process) -> int | None:
    """Give the process that works for a nanny, once it is there."""
    children = [path.read_text().split() for path in Path(f"/proc/{nanny.pid}/task").glob("*/children")]
    for child in itertools.chain(*children):
        command = Path(f"/proc/{child}/cmdline").read_bytes()
        if b"spawn_main" in command:
            return int(child)
    return None


@contextmanager
def ended_at_last() -> Iterator[list[Process]]:
    """Kill what was put into the list."""
    processes: list[Process] = []
    try:
        yield processes
    finally:
        for process in processes:
            kill(process)


def wait_for_listener(address: str) -> None:
    """Wait until somebody listens there."""
    host, _, port = address.removeprefix("tcp://").rpartition(":")
    deadline = time.monotonic() + START_WITHIN
    while True:
        try:
            socket.create_connection((host, int(port)), 1).close()
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return
