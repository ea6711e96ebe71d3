"""System calls that fail one at a time: what a run could not do is said, and the next plain run makes it good."""

import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from aurorapt.results.classifications import read_rows
from tests.fake_camera import write_minute

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed"),
]

NAME = "2014/03/10/20140310_gill_themis_classifications"
ROWS = 8
TIME_LIMIT = 300  # seconds of a run, which takes three

# places below the folder of a test, and the calls on them that are made to fail, the first three times each
PLACES = {
    "stream0": ("openat", "newfstatat", "getdents64"),
    "stream0/2014/03": ("newfstatat",),
    "stream0/2014/03/10": ("openat", "getdents64", "newfstatat"),
    "stream0/2014/03/10/gill_themis19": ("openat", "getdents64", "newfstatat"),
    "stream0/2014/03/10/gill_themis19/ut06": ("openat", "getdents64", "newfstatat"),
    "stream0/2014/03/10/gill_themis19/ut06/20140310_0600_gill_themis19_full.pgm.gz": ("openat", "newfstatat", "read"),
    "output": ("mkdir", "newfstatat", "openat", "getdents64"),
    "output/2014/03/10": ("mkdir", "newfstatat", "openat", "getdents64", "access", "fsync"),
    f"output/{NAME}.txt": ("newfstatat", "openat", "rename"),
    f"output/{NAME}.json": ("newfstatat", "openat", "rename"),
    "output/2014/03/10/.20140310_gill_themis19.lock": ("openat", "write", "unlink", "newfstatat"),
    "aurorapt.log": ("openat", "write", "newfstatat"),
    "": ("fsync", "rename", "unlink"),  # anywhere: names of temporary files are random
}
FAULTS = [(place, call, time) for place, calls in PLACES.items() for call in calls for time in (1, 2, 3)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for minute in range(2):
        write_minute(tmp_path / "stream0", datetime(2014, 3, 10, 6, minute), ROWS // 2)
    return tmp_path


def run(folder: Path, weights_file: Path, *prefix: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "aurorapt", "classify", "2014-03-10", "2014-03-10", "--workers", "1"]
    # whole paths, as strace compares what is given to a call
    names = {"--stream0": "stream0", "--output": "output", "--log-file": "aurorapt.log"}
    places = [part for option, name in names.items() for part in (option, str(folder / name))]
    places += ["--weights", str(weights_file)]
    return subprocess.run(
        [*prefix, *command, *places], cwd=folder, capture_output=True, text=True, timeout=TIME_LIMIT, check=False
    )


def rows(folder: Path) -> int:
    path = folder / "output" / f"{NAME}.txt"
    return len(read_rows(path)) if path.exists() else 0


@pytest.mark.parametrize("error", ["EIO", "ENOSPC"])
@pytest.mark.parametrize(("place", "call", "time"), FAULTS)
def test_a_failed_call_is_said_and_made_good_by_the_next_run(
    folder: Path, weights_file: Path, place: str, call: str, time: int, error: str
) -> None:
    if error == "ENOSPC" and (place.startswith("stream0") or call in ("getdents64", "newfstatat", "unlink")):
        pytest.skip("no such error of that call")
    path = ["-P", str(folder / place)] if place else []
    inject = ["-e", f"trace={call}", "-e", f"inject={call}:error={error}:when={time}"]
    trace = folder / "trace"
    hurt = run(folder, weights_file, "strace", "-f", "-qq", "-o", str(trace), *path, *inject)
    if "(INJECTED)" not in trace.read_text():
        pytest.skip("the run makes no such call")
    assert "Traceback" not in hurt.stderr
    if hurt.returncode == 0:
        assert rows(folder) == ROWS, hurt.stdout + hurt.stderr
    else:
        assert hurt.returncode in (1, 2)
        assert hurt.stderr.startswith("aurorapt: ") or "failed" in hurt.stderr, hurt.stderr
    plain = run(folder, weights_file)
    assert (plain.returncode, rows(folder)) == (0, ROWS), plain.stderr
