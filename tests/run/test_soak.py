"""Long runs: killed again and again, and through day-long archives full of faults."""

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import aurorapt
from tests.fake_camera import frame_times, write_minute

KILLS = 30
CAMERAS = {"gill": "themis19", "fsim": "themis05", "atha": "themis02"}
MINUTES = 24 * 60
FAULT_RATE = 0.01  # of files
SPOILERS: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = (
    lambda content, rng: content[: rng.integers(0, len(content) - 10)],
    lambda content, rng: b"",
    lambda content, rng: rng.bytes(len(content)),
    lambda content, rng: content[:-8] + rng.bytes(8),
)
SAMPLING = 0.05  # seconds
CHILDREN = "/proc/{0}/task/{0}/children"  # of a process, where Linux lists them
FRAMES = 4  # of a minute; what a leak grows with is files, not frames
MOST_GROWTH = 20e6  # bytes over the soak
Start = Callable[[Path, Path], "subprocess.Popen[str]"]


def results_of(output: Path) -> dict[str, list[str]]:
    return {str(path.relative_to(output)): path.read_text().splitlines()[1:] for path in sorted(output.rglob("*.txt"))}


def finished_nights(output: Path) -> dict[Path, int]:
    """CSVs that have a companion, and when they were written."""
    return {
        path: path.with_suffix(".txt").stat().st_mtime_ns
        for path in output.rglob("*_classifications.json")
        if path.with_suffix(".txt").exists()
    }


@pytest.fixture
def start(weights_file: Path) -> Iterator[Start]:
    """Start the command; what still runs when the test ends is killed."""
    runs = []

    def start_run(stream0: Path, output: Path) -> "subprocess.Popen[str]":
        arguments = ["classify", "2014-03-01", "2014-03-31", "--workers", "2", "--json"]
        places = {"--stream0": stream0, "--output": output, "--weights": weights_file, "--log-file": f"{output}.log"}
        options = [str(part) for option in places.items() for part in option]
        run = subprocess.Popen(
            [sys.executable, "-m", "aurorapt", *arguments, *options], stdout=subprocess.PIPE, text=True
        )
        runs.append(run)
        return run

    yield start_run
    for run in runs:
        run.kill()
        run.wait()


@pytest.mark.slow
def test_thirty_kills_change_no_row_and_redo_no_finished_night(start: Start, tmp_path: Path) -> None:
    stream0, output = tmp_path / "stream0", tmp_path / "killed"
    for day in range(1, 32):
        for site, device in CAMERAS.items():
            for minute in range(12):
                write_minute(stream0, datetime(2014, 3, day, 6, minute), 2, site=site, device=device)
    undisturbed = start(stream0, tmp_path / "undisturbed")
    undisturbed.communicate(timeout=300)
    rng = np.random.default_rng(0)
    for _ in range(KILLS):
        before = finished_nights(output)
        run = start(stream0, output)
        wanted = min(len(before) + rng.integers(0, 6), 31 * len(CAMERAS) - 1)
        deadline = time.monotonic() + 60
        while len(finished_nights(output)) < wanted and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.1))
        run.kill()
        run.communicate(timeout=60)
        after = finished_nights(output)
        assert before.items() <= after.items(), "a finished camera-night was done again"
    last = start(stream0, output)
    summary = json.loads(last.communicate(timeout=300)[0])
    assert last.returncode == 0
    assert results_of(output) == results_of(tmp_path / "undisturbed")
    assert summary["written"] + summary["current"] == 31 * len(CAMERAS)
    assert not list(output.rglob(".*")), "locks and half-written files are cleared away"


def write_archive(stream0: Path, rng: np.random.Generator) -> dict[str, list[datetime]]:
    """Write 24 hours of three cameras with faults; the times of the rows that each site must have."""
    times: dict[str, list[datetime]] = {site: [] for site in CAMERAS}
    for number in range(MINUTES):
        minute = datetime(2014, 3, 10) + timedelta(minutes=number)
        for site, device in CAMERAS.items():
            path = write_minute(stream0, minute, FRAMES, site=site, device=device)
            if rng.uniform() < FAULT_RATE:
                spoil = SPOILERS[rng.integers(len(SPOILERS))]
                path.write_bytes(spoil(path.read_bytes(), rng))
            else:
                times[site].extend(time.replace(microsecond=0) for time in frame_times(minute, FRAMES))
    return times


@dataclass(frozen=True)
class Sample:
    """What a run holds at one moment: bytes in memory, of it and its workers, and its open descriptors."""

    seconds: float
    workers: int
    memory: int
    descriptors: int


def watch(run: "subprocess.Popen[str]") -> list[Sample]:
    """Follow a run to its end."""
    samples = []
    while run.poll() is None:
        with contextlib.suppress(OSError):  # a process that has just ended
            workers = Path(CHILDREN.format(run.pid)).read_text().split()
            memory = sum(map(resident_memory, (str(run.pid), *workers)))
            descriptors = len(os.listdir(f"/proc/{run.pid}/fd"))
            samples.append(Sample(time.monotonic(), len(workers), memory, descriptors))
        time.sleep(SAMPLING)
    return samples


def resident_memory(process: str) -> int:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.skipif(
    not Path(CHILDREN.format(os.getpid())).exists(), reason="this system does not tell what processes hold"
)
def test_a_day_of_three_cameras_with_faults_stays_flat_and_loses_nothing(
    start: Start, tmp_path: Path, record_property: Any
) -> None:
    stream0, output = tmp_path / "stream0", tmp_path / "output"
    expected = write_archive(stream0, np.random.default_rng(0))
    run = start(stream0, output)
    samples = watch(run)
    summary = json.loads(run.communicate()[0])
    assert run.returncode == 0
    assert summary["frames"] == summary["rows"] == sum(map(len, expected.values()))
    assert summary["problems"] == MINUTES * len(CAMERAS) - summary["frames"] // FRAMES
    for site in CAMERAS:
        rows = aurorapt.read_rows(output / f"2014/03/10/20140310_{site}_themis_classifications.txt")
        assert rows["time"].tolist() == expected[site]
    steady = [sample for sample in samples[len(samples) // 4 :] if sample.workers == 2]
    assert len(steady) > 50
    seconds, memory, descriptors = np.array([(each.seconds, each.memory, each.descriptors) for each in steady]).T
    growth = np.polyfit(seconds, memory, 1)[0] * (seconds[-1] - seconds[0])
    slope = growth / (summary["frames"] * 3 / 4)
    record_property("memory_slope_bytes_a_frame", float(slope))
    print(f"memory: {slope:.1f} bytes a frame over {summary['frames']} frames, {memory.max() / 2**20:.0f} MiB at most")
    print(f"descriptors: {descriptors.min():.0f} to {descriptors.max():.0f}")
    assert growth < MOST_GROWTH
    assert descriptors.max() - descriptors.min() <= 4
