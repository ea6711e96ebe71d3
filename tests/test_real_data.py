"""The main job on real data, against what the original program wrote for it."""

from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

from aurorapt import read_rows
from aurorapt.archive.frames import read_minute
from aurorapt.archive.night_listing import MinuteFile
from aurorapt.engine.engine import Engine
from aurorapt.images.preprocess import Preprocessor
from aurorapt.network.faithful import build_network
from aurorapt.run.pipeline import classify
from aurorapt.weights.weights_file import read_weights
from convert.__main__ import main as convert
from tests.conftest import MakeOnce
from tests.convert.running import assert_engine_agrees
from tests.convert.running import converted as convert_network

# the original's own arithmetic is float32, in another order of sums; 1.3e-5 was seen
CONFIDENCE_TOLERANCE = 1e-4
ENGINE_TOLERANCE = 5e-5  # probabilities; folded and fused float32 sums differ by 1.3e-5


@pytest.fixture(scope="module")
def converted(shared_folder: Path, make_once: MakeOnce) -> Path:
    def fill(folder: Path) -> None:
        assert convert([str(shared_folder / "CNN_model"), "-o", str(folder / "standin.safetensors")]) == 0

    return make_once("stand_in", fill) / "standin.safetensors"


def test_the_main_job_gives_what_the_original_gave(shared_folder: Path, converted: Path, tmp_path: Path) -> None:
    stream0 = shared_folder / "stream0"
    summary = classify("2014-03-09", "2014-03-11", stream0=stream0, output=tmp_path, weights=converted, workers=2)
    assert (summary.camera_nights, summary.written, summary.rows, summary.problems) == (1, 1, 80, 0)
    path = tmp_path / "2014/03/10/20140310_gill_themis_classifications.txt"
    ours = read_rows(path)
    (golden,) = (shared_folder / "golden").iterdir()
    theirs = np.sort(read_rows(golden), order="time")
    for column in ("time", "prediction", "prediction_str"):
        np.testing.assert_array_equal(ours[column], theirs[column])
    np.testing.assert_allclose(ours["confidence"], theirs["confidence"], rtol=0, atol=CONFIDENCE_TOLERANCE)
    assert len(pd.read_csv(path, comment="#")) == 80


@pytest.mark.parametrize("name", ["plain_sequential", "nested_transfer"])
def test_the_engine_agrees_on_real_models(shared_folder: Path, name: str) -> None:
    assert_engine_agrees(convert_network(shared_folder / "keras_models" / f"{name}.h5"), ENGINE_TOLERANCE)


def test_the_engine_agrees_on_the_stand_in(shared_folder: Path, converted: Path) -> None:
    weights = read_weights(converted)
    minute = read_minute(MinuteFile(next((shared_folder / "stream0").rglob("*_0600_*"))), "gill", date(2014, 3, 10))
    inputs = Preprocessor(weights.elevation_mask)(minute.images)
    with torch.inference_mode():
        expected = build_network(weights)(torch.from_numpy(inputs)[:, None].expand(-1, 3, -1, -1)).numpy()
    found = Engine(weights, "fp32").predict(inputs)
    np.testing.assert_allclose(found, expected, rtol=0, atol=ENGINE_TOLERANCE)
