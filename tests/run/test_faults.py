"""Faults in the data and in the disks: each costs its file or frame, and is named in the log and the companion."""

import gzip
import json
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aurorapt.archive.frames import Minute, read_minute
from aurorapt.archive.night_listing import MinuteFile
from aurorapt.run.pipeline import classify
from aurorapt.run.run_summary import Summary
from tests.fake_camera import frame_bytes, frame_times, header, image, minute_frames, minute_path, without, write_minute

MINUTE = datetime(2014, 3, 10, 6, 0)
BAD = MINUTE + timedelta(minutes=1)
MEMORY_LIMIT = 400 * 2**20  # bytes; the reader and numpy take about 100 MB


def classify_night(stream0: Path, output: Path, weights_file: Path, **options: Any) -> Summary:
    arguments = {"stream0": stream0, "output": output, "weights": weights_file, "workers": 0} | options
    return classify("2014-03-10", "2014-03-10", **arguments)


def spoil(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change what a gzipped minute file says."""
    path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes())), 1))


def make_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def add_loop(path: Path) -> None:
    (path.parent / "loop").symlink_to(path.parent.parent)


FAULTS: dict[str, tuple[Callable[[Path], object], int, str]] = {
    # fault: what makes it, rows that are left of twice 20, and what is said of it
    "empty": (lambda path: path.write_bytes(b""), 20, "no image data"),
    "not gzip": (lambda path: path.write_bytes(gzip.decompress(path.read_bytes())), 20, "plain PGM in a .gz file"),
    "wrong checksum": (lambda path: path.write_bytes(path.read_bytes()[:-8] + b"\0" * 8), 20, "CRC check failed"),
    "cut in the header": (lambda path: spoil(path, lambda content: content[:150]), 20, "no image data"),
    "no closing line": (
        lambda path: spoil(path, lambda content: content.replace(b"Exposure plus initial readout", b"Exposure")),
        20,
        "no frame has a complete header",
    ),
    "not ASCII": (
        lambda path: spoil(path, lambda content: content.replace(b"themis-gbo", b"themis\xffgbo", 1)),
        20,
        "a header is not ASCII, at frame 1",
    ),
    "other size": (lambda path: spoil(path, lambda content: content.replace(b"256 256", b"512 512", 1)), 39, "512 512"),
    "other date": (
        lambda path: spoil(path, lambda content: content.replace(b"2014-03-10", b"2014-03-12", 2)),
        39,
        "date",
    ),
    "other site": (
        lambda path: spoil(path, lambda content: content.replace(b'ID" gill', b'ID" fsim', 1)),
        39,
        "'fsim'",
    ),
    "a folder": (make_folder, 20, "named like a minute file, but not a file"),
    "a link loop": (add_loop, 40, "a link to a folder already read"),
    "a link to nowhere": (lambda path: (path.unlink(), path.symlink_to("nowhere")), 20, "No such file or directory"),
    "garbage": (lambda path: path.write_bytes(np.random.default_rng(0).bytes(50_000)), 20, "Not a gzipped file"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_costs_only_itself_and_is_named(
    fault: str, weights_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cause, rows, reason = FAULTS[fault]
    write_minute(tmp_path / "stream0", MINUTE)
    cause(write_minute(tmp_path / "stream0", BAD))
    summary = classify_night(tmp_path / "stream0", tmp_path / "output", weights_file)
    assert (summary.written, summary.rows, summary.problems) == (1, rows, 1)
    (path,) = (tmp_path / "output").rglob("*.json")
    (problem,) = json.loads(path.read_text())["problems"]
    assert reason in problem["reason"]
    told = [record.getMessage() for record in caplog.records if ": problem: " in record.getMessage()]
    assert told == [f"20140310 gill_themis19: problem: {problem['file']}: {problem['reason']}"]


@pytest.mark.parametrize("frames", [19, 21])
def test_minutes_of_19_or_21_frames_are_no_fault(frames: int, weights_file: Path, tmp_path: Path) -> None:
    times = [MINUTE + timedelta(seconds=2.5 * number) for number in range(frames)]
    write_minute(tmp_path / "stream0", MINUTE, [frame_bytes(header(time), image(0)) for time in times])
    summary = classify_night(tmp_path / "stream0", tmp_path / "output", weights_file)
    assert (summary.rows, summary.problems) == (frames, 0)


def test_one_missing_closing_line_costs_nothing(weights_file: Path, tmp_path: Path) -> None:
    frames = minute_frames(MINUTE)
    frames[5] = frame_bytes(without(header(frame_times(MINUTE)[5]), "Exposure plus initial readout"), image(5))
    write_minute(tmp_path / "stream0", MINUTE, frames)
    summary = classify_night(tmp_path / "stream0", tmp_path / "output", weights_file)
    assert (summary.rows, summary.problems) == (20, 0)


def test_a_bad_twin_costs_nothing_and_is_named(weights_file: Path, tmp_path: Path) -> None:
    write_minute(tmp_path / "stream0", MINUTE).write_bytes(b"")
    write_minute(tmp_path / "stream0", MINUTE, ending=".pgm")
    summary = classify_night(tmp_path / "stream0", tmp_path / "output", weights_file)
    assert (summary.rows, summary.problems) == (20, 1)


def test_wide_and_hidden_files_do_not_count(weights_file: Path, tmp_path: Path) -> None:
    path = write_minute(tmp_path / "stream0", MINUTE)
    for name in (f".{path.name}", path.name.replace("_full", "_wide_full")):
        shutil.copy(path, path.with_name(name.replace("0600", "0601")))
    summary = classify_night(tmp_path / "stream0", tmp_path / "output", weights_file)
    assert (summary.rows, summary.problems) == (20, 0)


def test_a_gzip_file_cut_at_twenty_random_places(tmp_path: Path) -> None:
    path = write_minute(tmp_path, MINUTE)
    content = path.read_bytes()
    whole = read_minute(MinuteFile(path), "gill", MINUTE.date())
    for length in np.random.default_rng(0).integers(1, len(content), 20):
        path.write_bytes(content[:length])
        minute = read_minute(MinuteFile(path), "gill", MINUTE.date())
        assert (minute.times, len(minute.problems)) == ([], 1), f"cut after {length} bytes"
        salvaged = read_minute(MinuteFile(path), "gill", MINUTE.date(), salvage=True)
        assert salvaged.times == whole.times[: len(salvaged.times)]
        np.testing.assert_array_equal(salvaged.images, whole.images[: len(salvaged.images)])
        # deflate holds back less than a frame of what it was given
        assert len(salvaged.times) >= int(20 * length / len(content)) - 2


def test_files_that_vanish_after_listing_are_problems_that_may_pass(
    weights_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_minute(tmp_path / "stream0", MINUTE)
    vanishing = write_minute(tmp_path / "stream0", BAD)

    def read_late(minute_file: MinuteFile, *arguments: Any) -> Minute:
        vanishing.unlink(missing_ok=True)
        return read_minute(minute_file, *arguments)

    monkeypatch.setattr("aurorapt.loader.dataset.read_minute", read_late)
    summary = classify_night(tmp_path / "stream0", tmp_path / "output", weights_file)
    assert (summary.rows, summary.problems) == (20, 1)
    (path,) = (tmp_path / "output").rglob("*.json")
    (problem,) = json.loads(path.read_text())["problems"]
    assert problem == {
        "file": str(vanishing),
        "reason": "cannot be read: No such file or directory",
        "may_pass": True,
        "count": 1,
    }


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a folder that other users reach, outside pytest's own, which they do not."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


def test_a_file_without_read_permission_is_a_problem_that_may_pass(open_folder: Path) -> None:
    path = write_minute(open_folder, MINUTE)
    path.chmod(0)
    code = (
        "import datetime, os, pathlib\n"
        "from aurorapt.archive.night_listing import MinuteFile\n"
        "from aurorapt.archive.frames import read_minute\n"
        "if os.geteuid() == 0:\n"  # whom permissions do not bind
        "    os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        f"minute = read_minute(MinuteFile(pathlib.Path({str(path)!r})), 'gill', datetime.date(2014, 3, 10))\n"
        "print(minute.problems[0].reason, minute.problems[0].may_pass)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=False)
    assert done.stdout == "cannot be read: Permission denied True\n", done.stderr


def peak_memory_of_reading(path: Path) -> tuple[str, int]:
    """Problem and peak memory in bytes of a process that reads a file, with salvage, as it reads most then."""
    code = (
        "import datetime, pathlib, re\n"
        "from aurorapt.archive.night_listing import MinuteFile\n"
        "from aurorapt.archive.frames import read_minute\n"
        f"file = MinuteFile(pathlib.Path({str(path)!r}))\n"
        "problems = read_minute(file, 'gill', datetime.date(2014, 3, 10), salvage=True).problems\n"
        "assert len(problems) == 1\n"
        # not getrusage, whose peak is at least that of the process it was forked from
        "status = pathlib.Path('/proc/self/status').read_text()\n"
        "print(re.search(r'VmHWM:\\s*(\\d+) kB', status)[1], problems[0].reason)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=300, check=True)
    kilobytes, _, reason = done.stdout.strip().partition(" ")
    return reason, int(kilobytes) * 1024


def test_a_gigabyte_of_garbage_takes_bounded_memory(tmp_path: Path) -> None:
    for ending in (".pgm", ".pgm.gz", ".pgm.bz2"):
        path = minute_path(tmp_path, MINUTE).with_name(f"20140310_0600_gill_themis19_full{ending}")
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            file.write(np.random.default_rng(0).bytes(2**20))
            file.truncate(2**30)
        reason, memory = peak_memory_of_reading(path)
        assert reason.startswith("more than 64 MiB" if ending == ".pgm" else "cannot be read: ")
        assert memory < MEMORY_LIMIT


def test_a_gzip_bomb_takes_bounded_memory(tmp_path: Path) -> None:
    """10 GB of zeros in 10 MB: a hundred times the same 100 MB, one gzip member after another."""
    member = gzip.compress(bytes(100 * 10**6), 9)
    path = tmp_path / "20140310_0600_gill_themis19_full.pgm.gz"
    path.write_bytes(member * 100)
    assert path.stat().st_size < 11 * 10**6
    reason, memory = peak_memory_of_reading(path)
    assert reason == "more than 64 MiB of content, not a minute file; 0 intact frames salvaged"
    assert memory < MEMORY_LIMIT


@contextmanager
def mounted_tmpfs(folder: Path, options: str) -> Iterator[None]:
    folder.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder], capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"no tmpfs can be mounted here: {done.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", folder], check=True)


def run_command(stream0: Path, output: Path, weights_file: Path, log_file: Path) -> "subprocess.CompletedProcess[str]":
    arguments = ["classify", "2014-03-10", "2014-03-10", "--stream0", stream0, "--output", output, "--overwrite"]
    options = ["--weights", weights_file, "--workers", "0", "--log-file", log_file]
    command = [sys.executable, "-m", "aurorapt", *map(str, arguments), *map(str, options)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.mark.parametrize("free_pages", [0, 1, 2])
def test_a_full_disk_is_one_line_and_leaves_the_old_results(
    free_pages: int, weights_file: Path, tmp_path: Path
) -> None:
    """No room for the lock, for the CSV, for the companion."""
    output, stream0, log_file = tmp_path / "output", tmp_path / "stream0", tmp_path / "log"
    write_minute(stream0, MINUTE, 2)
    with mounted_tmpfs(output, "size=256k"):
        assert classify_night(stream0, output, weights_file).succeeded
        before = {path: path.read_bytes() for path in output.rglob("*") if path.is_file()}
        (output / "spare").write_bytes(bytes(free_pages * resource.getpagesize()))
        with pytest.raises(OSError, match="No space left"), (output / "filler").open("wb", buffering=0) as filler:
            while filler.write(bytes(1024)):
                pass
        (output / "spare").unlink()
        done = run_command(stream0, output, weights_file, log_file)
        assert done.returncode == 1
        (line,) = done.stderr.splitlines()
        assert line.startswith("aurorapt: cannot ")
        assert line.endswith(": No space left on device")
        (output / "filler").unlink()
        assert {path: path.read_bytes() for path in output.rglob("*") if path.is_file()} == before


def test_a_read_only_output_is_said(weights_file: Path, tmp_path: Path) -> None:
    output, stream0, log_file = tmp_path / "output", tmp_path / "stream0", tmp_path / "log"
    write_minute(stream0, MINUTE, 2)
    with mounted_tmpfs(output, "ro"):
        done = run_command(stream0, output, weights_file, log_file)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "Read-only file system" in log_file.read_text()
