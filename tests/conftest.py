import fcntl
import os
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
import torch

from aurorapt.weights.weights_file import write_weights
from tests.tiny_network import tiny_weights

MakeOnce = Callable[[str, Callable[[Path], None]], Path]
PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """Real data and what the original program made of it, which the project itself does not contain."""
    folder = Path(os.environ.get("AURORAPT_SHARED", PROJECT.parent / "shared"))
    if not (folder / "stream0").is_dir():
        pytest.skip(f"no real data in {folder}; set AURORAPT_SHARED to the folder that holds it")
    return folder


@pytest.fixture(scope="session")
def weights_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write a tiny weights file."""
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    write_weights(path, tiny_weights())
    return path


@pytest.fixture(scope="session")
def make_once(tmp_path_factory: pytest.TempPathFactory) -> MakeOnce:
    """Make a folder that takes long to fill once for all processes that run tests: the others wait for the first."""
    base = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        base = base.parent  # which they share

    def make(name: str, fill: Callable[[Path], None]) -> Path:
        folder = base / name
        with (base / f"{name}.made").open("a") as made:
            fcntl.flock(made, fcntl.LOCK_EX)
            if os.fstat(made.fileno()).st_size == 0:
                folder.mkdir()
                fill(folder)
                made.write("made")
        return folder

    return make


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Compute on one thread: images this small are slower on several, many times so where cores are busy."""
    torch.set_num_threads(1)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let a report be sent between processes also where a log quotes a name that is not UTF-8."""
    report = yield
    report.sections = [(name, text.encode(errors="backslashreplace").decode()) for name, text in report.sections]
    return report
