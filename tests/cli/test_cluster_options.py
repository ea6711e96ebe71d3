import json
import sys
from pathlib import Path

import pytest

from tests.command_line import aurorapt_here


def words(stream0: Path, weights_file: Path, *more: object) -> list[object]:
    return ["classify", "2014-03-10", "2014-03-10", "--stream0", stream0, "-o", "out", "--weights", weights_file, *more]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--scheduler", "local:0x1"], "--scheduler local:0x1: processes and threads must each be between 1 and 1024"),
        (["--scheduler", "local:axb"], "--scheduler 'local:axb' is neither an address such as tcp://login1:8786 nor"),
        (["--scheduler", "local:1x1", "--workers", 2], "--workers and --threads are for a run without --scheduler"),
        (["--scheduler", "tcp://h:1", "--threads", 2], "--workers and --threads are for a run without --scheduler"),
        (["--order", "random"], "--order 'random' is unknown; give oldest or newest"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_loaded(
    own_folder: Path, stream0: Path, weights_file: Path, options: list[object], said: str
) -> None:
    done = aurorapt_here(*words(stream0, weights_file, *options))
    assert done.returncode == 2
    assert done.stderr.startswith(f"aurorapt: {said}")
    assert done.stderr.count("\n") == 1
    assert not (own_folder / "aurorapt.log").exists()


def test_without_dask_the_extra_is_named(
    own_folder: Path, stream0: Path, weights_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = aurorapt_here(*words(stream0, weights_file, "--scheduler", "local:1x1"))
    assert done.returncode == 2
    assert done.stderr == ("aurorapt: --scheduler needs Dask: pip install 'aurorapt[cluster]'\n")


def test_a_scheduler_that_is_not_there_is_one_line_and_a_whole_summary(
    own_folder: Path, stream0: Path, weights_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("distributed", reason="dask is not installed")
    monkeypatch.setattr("aurorapt.cluster.connection.CONNECT_WITHIN", 0.5)
    done = aurorapt_here(*words(stream0, weights_file, "--json", "--scheduler", "tcp://127.0.0.1:9"))
    assert done.returncode == 1
    said = "--scheduler tcp://127.0.0.1:9: no scheduler answers there within 0.5 s; is it running?"
    assert done.stderr == f"aurorapt: {said}\n"
    assert json.loads(done.stdout)["written"] == 0
    log = (own_folder / "aurorapt.log").read_text()
    assert "scheduler: tcp://127.0.0.1:9\n" in log
    assert f"ERROR {said}\n" in log
