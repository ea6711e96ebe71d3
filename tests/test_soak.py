"""Long runs: killed again and again, and through day-long archives full of faults."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import aurorapt
from aurorapt.run import classify
from tests.fake_camera import frame_times, write_minute

KILLS = 30
CAMERAS = {"gill": "themis19", "fsim": "themis05", "atha": "themis02"}
FAULT_RATE = 0.01  # of files
FRAMES = 4  # of a minute; what a leak grows with is files, not frames
MOST_GROWTH = 20e6  # bytes over the soak


def results_of(output: Path) -> dict[str, list[str]]:
    return {str(path.relative_to(output)): path.read_text().splitlines()[1:] for path in sorted(output.rglob("*.txt"))}


def finished_nights(output: Path) -> dict[Path, int]:
    """CSVs that have a companion, and when they were written."""
    return {
        path: path.with_suffix(".txt").stat().st_mtime_ns
        for path in output.rglob("*_classifications.json")
        if path.with_suffix(".txt").exists()
    }


def start(stream0: Path, output: Path, weights_file: Path) -> "subprocess.Popen[str]":
    arguments = ["classify", "2014-03-01", "2014-03-31", "--workers", "2", "--json"]
    options = ["--stream0", stream0, "--output", output, "--weights", weights_file, "--log-file", output.parent / "log"]
    command = [sys.executable, "-m", "aurorapt", *arguments, *map(str, options)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


@pytest.mark.slow
def test_thirty_kills_change_no_row_and_redo_no_finished_night(weights_file: Path, tmp_path: Path) -> None:
    stream0, output = tmp_path / "stream0", tmp_path / "killed"
    for day in range(1, 32):
        for site, device in CAMERAS.items():
            for minute in range(12):
                write_minute(stream0, datetime(2014, 3, day, 6, minute), 2, site=site, device=device)
    undisturbed = start(stream0, tmp_path / "undisturbed", weights_file)
    undisturbed.communicate(timeout=300)
    rng = np.random.default_rng(0)
    for _ in range(KILLS):
        before = finished_nights(output)
        run = start(stream0, output, weights_file)
        wanted = min(len(before) + rng.integers(0, 6), 31 * len(CAMERAS) - 1)
        deadline = time.monotonic() + 60
        while len(finished_nights(output)) < wanted and run.poll() is None and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.1))
        run.kill()
        run.communicate(timeout=60)
        after = finished_nights(output)
        assert before.items() <= after.items(), "a finished camera-night was done again"
    last = start(stream0, output, weights_file)
    summary = json.loads(last.communicate(timeout=300)[0])
    assert last.returncode == 0
    assert results_of(output) == results_of(tmp_path / "undisturbed")
    assert summary["written"] + summary["current"] == 31 * len(CAMERAS)
    assert not list(output.rglob(".*")), "locks and half-written files are cleared away"


def write_archive(stream0: Path, rng: np.random.Generator) -> Counter[str]:
    """Write 24 hours of three cameras with faults; rows that each site must have."""
    rows: Counter[str] = Counter()
    for site, device in CAMERAS.items():
        for number in range(24 * 60):
            minute = datetime(2014, 3, 10) + timedelta(minutes=number)
            path = write_minute(stream0, minute, FRAMES, site=site, device=device)
            if rng.uniform() < FAULT_RATE:
                content = path.read_bytes()
                path.write_bytes(content[: rng.integers(0, len(content) - 10)])
            else:
                rows[site] += FRAMES
    return rows


@pytest.mark.slow
def test_a_day_of_three_cameras_with_faults_stays_flat_and_loses_nothing(
    weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, record_property: Any
) -> None:
    stream0, output = tmp_path / "stream0", tmp_path / "output"
    expected = write_archive(stream0, np.random.default_rng(0))
    samples: list[tuple[int, int, int]] = []
    take = aurorapt.run._Run.take

    def take_and_measure(run: Any, prepared: Any) -> None:
        take(run, prepared)
        if run.open_nights and run.open_nights[0].minutes_done % 40 == 0:
            samples.append((run.summary.frames, resident_memory(), len(os.listdir("/dev/fd"))))

    monkeypatch.setattr(aurorapt.run._Run, "take", take_and_measure)
    summary = classify("2014-03-10", "2014-03-10", stream0=stream0, output=output, weights=weights_file, workers=2)
    assert summary.problems == 3 * 24 * 60 - sum(expected.values()) // FRAMES
    for site in CAMERAS:
        rows = aurorapt.read_classifications(output / f"2014/03/10/20140310_{site}_themis_classifications.txt")
        assert len(rows) == expected[site]
        assert set(rows["time"].tolist()) <= set(all_seconds())
    frames, memory, descriptors = np.array(samples[len(samples) // 4 :]).T
    slope = np.polyfit(frames, memory, 1)[0]
    record_property("memory_slope_bytes_a_frame", slope)
    print(f"memory: {slope:.1f} bytes a frame over {frames[-1]} frames; descriptors: {set(descriptors.tolist())}")
    assert slope * (frames[-1] - frames[0]) < MOST_GROWTH
    assert descriptors.max() - descriptors.min() <= 4


def resident_memory() -> int:
    """Bytes of this process that are in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def all_seconds() -> Iterator[datetime]:
    for number in range(24 * 60):
        for time_of_frame in frame_times(datetime(2014, 3, 10) + timedelta(minutes=number), FRAMES):
            yield time_of_frame.replace(microsecond=0)
