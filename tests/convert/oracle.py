"""Keras 3 on torch as the reference: small models with random weights, saved and converted."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.convert.running import assert_close, run_converted

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras", reason="the reference is Keras 3 (extra: oracle)")
if keras.backend.backend() != "torch":
    pytest.skip("the reference is Keras 3 with KERAS_BACKEND=torch", allow_module_level=True)

SEED = 20140310
TOLERANCE = 1e-5  # a few roundings of float32 of values around 1


def randomize(model: Any, random: np.random.Generator) -> None:
    """Give every weight a value that is neither zero nor one, so that none can be left out unseen."""
    for variable in model.weights:
        if variable.path.endswith("variance"):
            value = random.uniform(0.5, 2, variable.shape)
        else:
            spread = 1 / np.sqrt(np.prod(variable.shape[:-1]))  # keeps results near 1, where the tolerance is meant
            value = random.normal(0, min(spread, 0.5), variable.shape)
        variable.assign(value.astype(np.float32))


def assert_converts_alike(
    build: Callable[[Any], Any], input_shape: tuple[int, int, int], folder: Path, ending: str = ".keras"
) -> None:
    """Compare Keras's results with those of the converted file, flattened in Keras's own order of axes."""
    random = np.random.default_rng(SEED)
    images = keras.Input(input_shape)
    model = keras.Model(images, keras.layers.Flatten()(build(images)))
    randomize(model, random)
    assert_model_converts_alike(model, random.uniform(-2, 2, (3, *input_shape)).astype(np.float32), folder, ending)


def assert_model_converts_alike(
    model: Any, images: NDArray[np.float32], folder: Path, ending: str = ".keras", tolerance: float = TOLERANCE
) -> None:
    """Save a model, convert the file and compare the results for these images."""
    path = folder / f"model{ending}"
    model.save(path)
    assert_close(run_converted(path, images), model.predict(images, verbose=0), tolerance)
