from datetime import datetime
from pathlib import Path

import pytest

from tests.fake_camera import write_minute

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def stream0(tmp_path: Path) -> Path:
    """Simulate an archive of one minute of one camera."""
    write_minute(tmp_path / "stream0", datetime(2014, 3, 10, 6, 0), 5)
    return tmp_path / "stream0"


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of its own, in which commands that are started find the package."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.chdir(tmp_path)
    return tmp_path
