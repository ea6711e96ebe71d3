from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from aurorapt.run.pipeline import classify
from aurorapt.run.run_summary import Summary
from tests.fake_camera import write_minute

pytest.importorskip("distributed", reason="dask is not installed; the extra cluster brings it")

SITES = {"gill": "themis19", "fsim": "themis05"}
Plain = Callable[[Path], Summary]


@pytest.fixture(scope="session")
def stream0(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four dates of two cameras, with odd numbers of frames, one file damaged."""
    folder = tmp_path_factory.mktemp("cluster") / "stream0"
    for day in range(9, 13):
        for site, device in SITES.items():
            for minute in range(2):
                write_minute(folder, datetime(2014, 3, day, 6, minute), 3 + day % 3, site=site, device=device)
    damaged = next(folder.rglob("20140310_0601_gill*"))
    damaged.write_bytes(damaged.read_bytes()[:-500])
    return folder


@pytest.fixture(scope="session")
def expected(stream0: Path, weights_file: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Give what a plain run writes."""
    output = tmp_path_factory.mktemp("plain")
    classify("2014-03-01", "2014-03-31", stream0=stream0, output=output, weights=weights_file, workers=0)
    return csv_files(output)


@pytest.fixture(scope="package")
def scheduler() -> Iterator[str]:
    """Give the address of a scheduler with two workers of one thread, all within this process.

    It ends with this package: its threads would take time and memory from the tests that come then.
    """
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=False, protocol="tcp", host="127.0.0.1", dashboard_address=":0"
    ) as cluster:
        yield str(cluster.scheduler_address)


def csv_files(output: Path) -> dict[str, bytes]:
    """Relative path of every CSV to its bytes, less the line with the time of writing."""
    return {
        str(path.relative_to(output)): path.read_bytes().partition(b"\n")[2] for path in sorted(output.rglob("*.txt"))
    }


def left_behind(output: Path) -> list[Path]:
    """Give locks, probes and half-written files."""
    return [path for path in output.rglob(".*") if path.is_file()]


def options_of(stream0: Path, output: Path, weights_file: Path, **more: Any) -> Any:
    """Give checked options of a run over a whole month."""
    from aurorapt.run.options import check_options

    return check_options("2014-03-01", "2014-03-31", stream0=stream0, output=output, weights=weights_file, **more)
