"""The families of keras.applications, untrained, at small image sizes, against Keras 3.

NASNetMobile, which Keras does not offer on torch, is compared with TensorFlow in test_keras_2_files.py.
"""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.convert.oracle import SEED, keras
from tests.convert.running import assert_close, assert_engine_agrees, converted, run_weights

CLASSES = 4
# pixels each way: the smallest that each family takes
FAMILIES = {
    "ResNet50": 32,
    "ResNet50V2": 32,
    "MobileNet": 32,
    "MobileNetV2": 32,
    "MobileNetV3Small": 32,
    "DenseNet121": 32,
    "EfficientNetB0": 32,
    "EfficientNetV2B0": 32,
    "InceptionV3": 75,
    "Xception": 71,
    "ConvNeXtTiny": 32,
}
# Rounding alone, through up to 240 layers, moved the float32 results of Keras and of this program by up to 9e-5 of the
# largest output (InceptionV3, both measured against the same network in float64).
TOLERANCE = 2e-4  # of the largest output


def settle(model: Any, images: np.ndarray, random: np.random.Generator) -> None:
    """Give every weight a telling value, and normalise by these images, or the results would fade or explode."""
    for layer in model._flatten_layers():
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.momentum = 0.0
    for variable in model.weights:
        name = variable.path.rsplit("/", 1)[-1]
        if name in ("gamma", "variable"):
            variable.assign(random.uniform(0.5, 1.5, variable.shape))
        elif name in ("beta", "bias"):
            variable.assign(random.normal(0, 0.1, variable.shape))
    with torch.no_grad():
        model(images, training=True)
    for variable in model.weights:
        if variable.path.endswith("moving_variance"):
            # a channel that hardly varied in this batch would magnify the roundings of every layer before it
            variance = np.asarray(variable)
            variable.assign(np.maximum(variance, variance.mean()))


@pytest.mark.parametrize("family", FAMILIES)
def test_family(family: str, tmp_path: Path) -> None:
    size, random = FAMILIES[family], np.random.default_rng(SEED)
    model = getattr(keras.applications, family)(
        weights=None, input_shape=(size, size, 3), classes=CLASSES, classifier_activation=None
    )
    assert_family_converts_alike(model, random, tmp_path / "model.keras")


def test_vgg16_without_its_top(tmp_path: Path) -> None:
    model = keras.applications.VGG16(weights=None, input_shape=(32, 32, 3), include_top=False, pooling="avg")
    assert_family_converts_alike(model, np.random.default_rng(SEED), tmp_path / "model.h5")


def assert_family_converts_alike(model: Any, random: np.random.Generator, path: Path) -> None:
    images = random.uniform(0, 255, (4, *model.input_shape[1:])).astype(np.float32)
    settle(model, images, random)
    expected = np.asarray(model.predict(images, verbose=0))
    model.save(path)
    weights = converted(path)
    path.unlink()
    found = run_weights(weights, images)
    assert_engine_agrees(weights, TOLERANCE)
    scale = np.abs(expected).max()
    assert_close(found / scale, expected / scale, TOLERANCE)
