"""Files of Keras 2 against what TensorFlow computed for them; make_keras_2_files.py made both."""

from pathlib import Path

import numpy as np
import pytest

from tests.convert.running import assert_close, assert_engine_agrees, converted, run_converted

FOLDER = Path(__file__).parent / "keras_2"
MODELS = sorted([*FOLDER.glob("*.h5"), *FOLDER.glob("*.keras")])
TOLERANCE = 1e-5  # a few roundings of float32 of values around 1


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.name)
def test_converts_to_what_tensorflow_computed(path: Path) -> None:
    with np.load(FOLDER / f"{path.stem}.npz") as recording:
        images, expected = recording["x"], recording["y"]
    found = run_converted(path, images)
    if expected.ndim == 4:
        found = found.transpose(0, 2, 3, 1)
    assert_close(found, expected, TOLERANCE)


CASES = (
    *("K3_layerscale_h5.h5", "k208_seq_mid_sequential.h5", "k224_seq_add_functional.h5", "k224_upsample_bilinear.h5"),
    *("softmax_then_reshape.h5", "tf215_trained_acc.keras", "windows_tf13.keras"),
)


@pytest.mark.parametrize("name", CASES)
def test_files_that_others_made(name: str, shared_folder: Path) -> None:
    path = shared_folder / "cases" / "keras" / name
    with np.load(path.with_suffix(".npz")) as recording:
        assert_close(run_converted(path, recording["x"]), recording["y"], TOLERANCE)


@pytest.mark.parametrize("path", MODELS, ids=lambda path: path.name)
def test_the_engine_agrees(path: Path) -> None:
    assert_engine_agrees(converted(path), TOLERANCE, brightest=1)
