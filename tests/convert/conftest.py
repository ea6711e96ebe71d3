import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from convert.__main__ import main
from tests.convert.tiny_keras import CLASSES, write_elevation

SECONDS = 10  # of this process; the slowest takes 3.0 on a slow machine that counts coverage too
BYTES = 256 * 2**20


@pytest.fixture
def refuse(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> Callable[[Path], str]:
    """Convert a source that must be refused, and give the one line that says why."""

    def convert(source: Path, *options: str) -> str:
        output = tmp_path / "out.safetensors"
        if source.is_file() and not options:
            write_elevation(tmp_path / "angles.npy")
            options = ("--classes", ",".join(CLASSES), "--elevation", str(tmp_path / "angles.npy"))
        arguments = [str(source), "-o", str(output), *options]
        tracemalloc.start()
        main(arguments)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        capfd.readouterr()
        started = time.process_time()
        status = main(arguments)
        seconds = time.process_time() - started
        printed = capfd.readouterr()
        assert status == 1
        assert printed.err.startswith("convert: ")
        assert printed.err.count("\n") == 1
        assert len(printed.err) < 1000
        assert printed.out == ""
        assert seconds < SECONDS
        assert peak < BYTES
        assert not list(tmp_path.glob("**/*.safetensors*"))
        return printed.err

    return convert


@pytest.fixture
def weights_folder(tmp_path: Path) -> Path:
    (tmp_path / "weights").mkdir()
    return tmp_path / "weights"
