"""The whole command run on a simulated archive: its summary, seconds and memory."""

import gzip
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import psutil

from aurorapt.archive.minute_file import IMAGE_BYTES
from aurorapt.errors import AuroraptError
from aurorapt.simulation.simulated_archive import simulate_archive

NIGHT = datetime(2014, 3, 10, 6, 0)  # dark at gill
HOURS = range(1, 12)  # of that night; the first and the last are dark in part
SAMPLING = 2.0  # seconds between two looks at the memory, each of which takes 50 ms of a processor
SAMPLING_OF_MEMORY_ALONE = 0.1  # seconds, where the time does not count


@contextmanager
def simulated_archive(minutes: int) -> Iterator[Path]:
    """Make an archive of one camera and so many minutes."""
    with tempfile.TemporaryDirectory() as folder:
        stream0 = Path(folder) / "stream0"
        hours = HOURS[: 2 + minutes // 60] if minutes >= 60 else [NIGHT.hour]
        simulate_archive(stream0, NIGHT.date(), NIGHT.date(), ["gill"], minutes_per_hour=min(minutes, 60), hours=hours)
        paths = sorted(stream0.rglob("*.pgm.gz"))
        for path in paths[minutes:]:
            path.unlink()
        yield stream0


@contextmanager
def single_frame_archive() -> Iterator[Path]:
    """Make an archive of one frame."""
    with simulated_archive(1) as stream0:
        (path,) = stream0.rglob("*.pgm.gz")
        content = gzip.decompress(path.read_bytes())
        header, mark, images = content.partition(b"\n65535\n")
        path.write_bytes(gzip.compress(header + mark + images[:IMAGE_BYTES]))
        yield stream0


@dataclass(frozen=True)
class Run:
    """One run of the command, all its processes together.

    ``summary`` : what it printed
    ``seconds`` : from its start to its end
    ``processor_time`` : seconds
    ``memory`` : at the peak, MiB (PSS)
    """

    summary: dict[str, Any]
    seconds: float
    processor_time: float
    memory: float


def run_command(stream0: Path, *options: object, sampling: float = SAMPLING) -> Run:
    """Run ``aurorapt classify`` once on the archive's one night.

    Parameters
    ----------
    sampling : seconds between two looks at the memory

    Raises
    ------
    AuroraptError
        If it fails; it has then said why on standard error.
    """
    with tempfile.TemporaryDirectory() as output:
        day = str(NIGHT.date())
        command = [sys.executable, "-m", "aurorapt", "classify", day, day, "--json", "--stream0", str(stream0)]
        places = ["--output", output, "--log-file", os.devnull]
        start, used = time.perf_counter(), _processor_time_of_children()
        run = subprocess.Popen([*command, *places, *map(str, options)], stdout=subprocess.PIPE, text=True)
        peak = 0
        while not _ended_within(sampling, run):
            peak = max(peak, proportional_memory(run.pid))
        seconds, used = time.perf_counter() - start, _processor_time_of_children() - used
        if run.returncode != 0:
            raise AuroraptError(f"aurorapt classify ended with exit status {run.returncode}")
        assert run.stdout is not None
        return Run(json.loads(run.stdout.read()), seconds, used, peak / 2**20)


def _processor_time_of_children() -> float:
    """Seconds that processes which have ended, started by this one or by those in turn, have computed."""
    times = os.times()
    return times.children_user + times.children_system


def _ended_within(seconds: float, run: subprocess.Popen[str]) -> bool:
    try:
        run.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True


def proportional_memory(pid: int) -> int:
    """Memory of a process and its children in bytes, shared pages counted once."""
    total = 0
    try:
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            total += process.memory_full_info().pss
    except psutil.Error:  # a process that has just ended
        pass
    return total
