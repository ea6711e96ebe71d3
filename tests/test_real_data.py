"""The main job on real data, against what the original program wrote for it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from aurorapt import read_classifications
from aurorapt.run import classify

PROJECT = Path(__file__).resolve().parent.parent
# the original's own arithmetic is float32, in another order of sums; 1.3e-5 was seen
CONFIDENCE_TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def converted(shared_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "standin.safetensors"
    command = [sys.executable, "-m", "convert", shared_folder / "CNN_model", "-o", path]
    subprocess.run(list(map(str, command)), cwd=PROJECT, check=True, capture_output=True)
    return path


def test_the_main_job_gives_what_the_original_gave(shared_folder: Path, converted: Path, tmp_path: Path) -> None:
    stream0 = shared_folder / "stream0"
    summary = classify("2014-03-09", "2014-03-11", stream0=stream0, output=tmp_path, weights=converted, workers=2)
    assert (summary.camera_nights, summary.written, summary.rows, summary.problems) == (1, 1, 80, 0)
    path = tmp_path / "2014/03/10/20140310_gill_themis_classifications.txt"
    ours = read_classifications(path)
    (golden,) = (shared_folder / "golden").iterdir()
    theirs = np.sort(read_classifications(golden), order="time")
    for column in ("time", "prediction", "prediction_str"):
        np.testing.assert_array_equal(ours[column], theirs[column])
    np.testing.assert_allclose(ours["confidence"], theirs["confidence"], rtol=0, atol=CONFIDENCE_TOLERANCE)
    assert len(pd.read_csv(path, comment="#")) == 80
