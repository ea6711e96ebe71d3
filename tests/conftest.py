import os
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_folder() -> Path:
    """Real data and what the original program made of it, which the project itself does not contain."""
    folder = Path(os.environ.get("AURORAPT_SHARED", PROJECT.parent / "shared"))
    if not (folder / "stream0").is_dir():
        pytest.skip(f"no real data in {folder}; set AURORAPT_SHARED to the folder that holds it")
    return folder
