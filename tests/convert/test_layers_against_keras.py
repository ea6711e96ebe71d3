"""Each layer and each of its options against Keras 3."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.convert.oracle import SEED, assert_converts_alike, assert_model_converts_alike, keras, randomize

layers = keras.layers
IMAGE = (9, 11, 3)  # (y, x, channel): odd and unequal, so that no two axes can be confused
CHANNELS_FIRST = (3, 9, 11)


def both(first: Any, second: Any) -> Callable[[Any], Any]:
    """Feed one merging layer with two different results of the same image."""
    return lambda x: first([second(x), layers.Conv2D(4, 1)(x)])


LAYERS: dict[str, Callable[[Any], Any]] = {
    "convolution": layers.Conv2D(4, 3),
    "convolution, same": layers.Conv2D(4, 3, padding="same"),
    "convolution, same with stride": layers.Conv2D(4, (3, 4), strides=(2, 3), padding="same"),
    "convolution, wide stride": layers.Conv2D(4, 2, strides=(3, 4), padding="same"),
    "convolution, dilated": layers.Conv2D(4, (3, 2), dilation_rate=(2, 3)),
    "convolution, dilated and same": layers.Conv2D(4, (3, 2), dilation_rate=2, padding="same"),
    "convolution in groups": lambda x: layers.Conv2D(6, 3, groups=2)(layers.Conv2D(4, 1)(x)),
    "convolution without bias": layers.Conv2D(4, 3, use_bias=False, activation="relu"),
    "depthwise": layers.DepthwiseConv2D(3),
    "depthwise, multiplied": layers.DepthwiseConv2D((2, 3), depth_multiplier=3, strides=2, padding="same"),
    "depthwise, dilated": layers.DepthwiseConv2D(3, dilation_rate=2, use_bias=False, activation="tanh"),
    "separable": layers.SeparableConv2D(5, 3),
    "separable, all options": layers.SeparableConv2D(
        5, (3, 2), strides=2, padding="same", depth_multiplier=2, use_bias=False, activation="relu"
    ),
    "separable, dilated": layers.SeparableConv2D(5, 3, dilation_rate=2),
    "batch normalisation": layers.BatchNormalization(epsilon=0.01),
    "batch normalisation without scale": layers.BatchNormalization(scale=False),
    "batch normalisation without center": layers.BatchNormalization(center=False),
    "batch normalisation without both": layers.BatchNormalization(center=False, scale=False),
    "batch normalisation of axis 1": layers.BatchNormalization(axis=1),
    "batch normalisation after Dense": lambda x: layers.BatchNormalization()(layers.Dense(5)(layers.Flatten()(x))),
    "batch normalisation of a sequence": lambda x: layers.BatchNormalization()(layers.Reshape((99, 3))(x)),
    "layer normalisation": layers.LayerNormalization(epsilon=0.01),
    "layer normalisation without scale": layers.LayerNormalization(scale=False),
    "layer normalisation without center": layers.LayerNormalization(center=False, axis=3),
    "group normalisation": lambda x: layers.GroupNormalization(2, epsilon=0.01)(layers.Conv2D(6, 1)(x)),
    "group normalisation of all": layers.GroupNormalization(1, scale=False),
    "group normalisation of each": layers.GroupNormalization(-1, center=False),
    "group normalisation of axis 1": lambda x: layers.GroupNormalization(3, axis=1)(x),
    "group normalisation after Dense": lambda x: layers.GroupNormalization(3, epsilon=0.1)(
        layers.Dense(12)(layers.Flatten()(x))
    ),
    "group normalisation of a sequence": lambda x: layers.GroupNormalization(3)(layers.Reshape((99, 3))(x)),
    "max pooling": layers.MaxPooling2D((2, 3)),
    "max pooling, same": layers.MaxPooling2D((2, 3), strides=(1, 2), padding="same"),
    "average pooling": layers.AveragePooling2D((2, 3)),
    # Keras on torch repeats the edge pixels where padding is uneven, which TensorFlow does not: that case is compared
    # with TensorFlow, in test_keras_2_files.py
    "average pooling, same": layers.AveragePooling2D(5, strides=4, padding="same"),
    "global max pooling": layers.GlobalMaxPooling2D(),
    "global max pooling, dimensions kept": layers.GlobalMaxPooling2D(keepdims=True),
    "global average pooling": layers.GlobalAveragePooling2D(),
    "global average pooling, dimensions kept": layers.GlobalAveragePooling2D(keepdims=True),
    "add": both(layers.Add(), layers.Conv2D(4, 1)),
    "subtract": both(layers.Subtract(), layers.Conv2D(4, 1)),
    "multiply": both(layers.Multiply(), layers.Conv2D(4, 1)),
    "multiply, spread": lambda x: layers.Multiply()([x, layers.GlobalMaxPooling2D(keepdims=True)(x)]),
    "average": both(layers.Average(), layers.Conv2D(4, 1)),
    "maximum": both(layers.Maximum(), layers.Conv2D(4, 1)),
    "minimum": both(layers.Minimum(), layers.Conv2D(4, 1)),
    "concatenate": both(layers.Concatenate(), layers.Conv2D(5, 1)),
    "concatenate rows": both(layers.Concatenate(axis=1), layers.Conv2D(4, (3, 1))),
    "concatenate columns": both(layers.Concatenate(axis=-2), layers.Conv2D(4, (1, 3))),
    "merge of both orders of axes": lambda x: layers.Add()([x, layers.Reshape(IMAGE)(layers.Flatten()(x))]),
    "flatten": layers.Flatten(),
    "flatten and Dense": lambda x: layers.Dense(5)(layers.Flatten()(x)),
    "reshape": layers.Reshape((11, -1)),
    "reshape and convolve": lambda x: layers.Conv2D(4, 3)(layers.Reshape((11, 9, 3))(x)),
    "permute": layers.Permute((2, 3, 1)),
    "permute and convolve": lambda x: layers.Conv2D(4, 3)(layers.Permute((2, 1, 3))(x)),
    "zero padding": layers.ZeroPadding2D(((1, 0), (2, 3))),
    "zero padding, alike": layers.ZeroPadding2D(2),
    "cropping": layers.Cropping2D(((1, 0), (2, 3))),
    "resizing": layers.Resizing(5, 17),
    "resizing to one pixel": layers.Resizing(1, 30),
    "resizing, nearest by a whole factor": layers.Resizing(18, 33, interpolation="nearest"),
    "upsampling": layers.UpSampling2D((2, 3)),
    "upsampling, bilinear": layers.UpSampling2D((2, 3), interpolation="bilinear"),
    "dense on an image": layers.Dense(5, activation="gelu"),
    "dense without bias": layers.Dense(5, use_bias=False),
    "relu, limited": layers.ReLU(max_value=1.5),
    "relu, all options": layers.ReLU(max_value=1.5, negative_slope=0.3, threshold=0.5),
    "leaky relu": layers.LeakyReLU(negative_slope=0.25),
    "prelu": layers.PReLU(),
    "prelu, shared": layers.PReLU(shared_axes=[1, 2]),
    "elu": layers.ELU(alpha=0.7),
    "softmax": layers.Softmax(),
    "softmax of columns": layers.Softmax(axis=2),
    "layer as activation": layers.Conv2D(4, 3, activation=layers.LeakyReLU(negative_slope=0.4)),
    "rescaling": layers.Rescaling(0.5, offset=-1),
    "rescaling by channel": layers.Rescaling([0.5, 2, 3], offset=[1, -1, 0.25]),
    "normalization": layers.Normalization(),
    "normalization, given": layers.Normalization(mean=[0.1, 0.2, 0.3], variance=[1.5, 0.5, 2]),
    "normalization of no axis": layers.Normalization(axis=None, mean=0.3, variance=1.7),
    "normalization of two axes": layers.Normalization(axis=(1, 3)),
    "normalization, inverted": layers.Normalization(invert=True, mean=0.3, variance=1.7),
    "arithmetic": lambda x: 3.0 - (x + 3.0) * 0.5 / 7.0 - 2.0,
    "arithmetic of layers": lambda x: (layers.Conv2D(3, 1)(x) - x) * x + x,
    "relu outside a layer": lambda x: keras.ops.relu(x) + keras.ops.relu6(4 * x),
    "softmax outside a layer": lambda x: keras.ops.softmax(x) + keras.ops.softmax(x, axis=1),
    "mean of images": lambda x: keras.ops.mean(x, axis=[1, 2]),
    "mean of images, dimensions kept": lambda x: x * keras.ops.mean(x, axis=(-3, -2), keepdims=True),
    "mean of channels": lambda x: layers.Conv2D(4, 3)(x * keras.ops.mean(x, axis=-1, keepdims=True)),
    "mean of rows": lambda x: keras.ops.mean(x, axis=1),
    "mean of rows and channels": lambda x: keras.ops.mean(x, axis=(3, 1)),
    "maximum of channels": lambda x: keras.ops.max(x, axis=-1),
    "maximum of images": lambda x: keras.ops.max(x, axis=(1, 2)),
    "mean of all": lambda x: x * keras.ops.mean(x, axis=(1, 2, 3), keepdims=True),
    "concatenation outside a layer": lambda x: keras.ops.concatenate([x, layers.Conv2D(4, 1)(x)], axis=-1),
    "reshape outside a layer": lambda x: keras.ops.reshape(x, (-1, 33, 9)),
    "maximum and minimum outside a layer": lambda x: keras.ops.maximum(x, 0.5) + keras.ops.minimum(0.25, x),
    "maximum of two outside a layer": lambda x: keras.ops.maximum(x, layers.Conv2D(3, 1)(x)),
    "padding outside a layer": lambda x: keras.ops.pad(x, [[0, 0], [1, 2], [3, 0], [0, 0]]),
    "padding of channels": lambda x: keras.ops.pad(x, [[0, 0], [1, 0], [0, 0], [2, 1]]),
    "more functions outside a layer": lambda x: (
        keras.ops.leaky_relu(x, negative_slope=0.1) + keras.ops.elu(x, 0.5) * keras.ops.gelu(x)
    ),
    "functions outside a layer": lambda x: keras.ops.sigmoid(x) + keras.ops.silu(x) * keras.ops.tanh(x),
}

INACTIVE: dict[str, Any] = {
    "activity regularisation": layers.ActivityRegularization(0.1),
    "alpha dropout": layers.AlphaDropout(0.5),
    "dropout": layers.Dropout(0.5),
    "gaussian dropout": layers.GaussianDropout(0.5),
    "gaussian noise": layers.GaussianNoise(0.5),
    "identity": layers.Identity(),
    "spatial dropout": layers.SpatialDropout2D(0.5),
    "random brightness": layers.RandomBrightness(0.5, value_range=(-2, 2)),
    "random contrast": layers.RandomContrast(0.5, value_range=(-2, 2)),
    "random flip": layers.RandomFlip(),
    "random rotation": layers.RandomRotation(0.5),
    "random translation": layers.RandomTranslation(0.5, 0.5),
    "random zoom": layers.RandomZoom(0.5),
}

FUNCTIONS = (
    *("linear", "relu", "relu6", "leaky_relu", "elu", "selu", "gelu", "silu", "swish", "hard_silu", "hard_swish"),
    *("tanh", "sigmoid", "hard_sigmoid", "softplus", "softsign", "exponential", "softmax"),
)

CHANNELS_FIRST_LAYERS: dict[str, Any] = {
    "convolution": layers.Conv2D(4, 3, strides=2, padding="same", data_format="channels_first"),
    "depthwise": layers.DepthwiseConv2D(3, depth_multiplier=2, data_format="channels_first"),
    "separable": layers.SeparableConv2D(5, 3, data_format="channels_first"),
    "max pooling": layers.MaxPooling2D(2, padding="same", data_format="channels_first"),
    "average pooling": layers.AveragePooling2D(3, strides=2, padding="same", data_format="channels_first"),
    "global average pooling": layers.GlobalAveragePooling2D(data_format="channels_first", keepdims=True),
    "global max pooling": layers.GlobalMaxPooling2D(data_format="channels_first"),
    "zero padding": layers.ZeroPadding2D(((1, 0), (2, 3)), data_format="channels_first"),
    "cropping": layers.Cropping2D(((1, 0), (2, 3)), data_format="channels_first"),
    "upsampling": layers.UpSampling2D((2, 3), data_format="channels_first"),
    "flatten": layers.Flatten(data_format="channels_first"),
    "batch normalisation": layers.BatchNormalization(axis=1),
    "permute and convolve": lambda x: layers.Conv2D(4, 3, data_format="channels_last")(layers.Permute((2, 3, 1))(x)),
}


@pytest.mark.parametrize("name", LAYERS)
def test_layer(name: str, tmp_path: Path) -> None:
    assert_converts_alike(LAYERS[name], IMAGE, tmp_path)


@pytest.mark.parametrize("name", CHANNELS_FIRST_LAYERS)
def test_layer_with_channels_first(name: str, tmp_path: Path) -> None:
    assert_converts_alike(CHANNELS_FIRST_LAYERS[name], CHANNELS_FIRST, tmp_path)


@pytest.mark.parametrize("name", INACTIVE)
def test_layer_that_does_nothing_when_predicting(name: str, tmp_path: Path) -> None:
    assert_converts_alike(lambda x: layers.Conv2D(4, 3)(INACTIVE[name](x)), IMAGE, tmp_path)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_activation_layer(name: str, tmp_path: Path) -> None:
    assert_converts_alike(layers.Activation(name), IMAGE, tmp_path)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_nested_shared_and_called_twice(ending: str, tmp_path: Path) -> None:
    def build(x: Any) -> Any:
        shared = layers.Conv2D(3, 3, padding="same", activation="relu")
        inside = keras.Input(IMAGE)
        two_results = keras.Model(inside, [layers.Conv2D(3, 1)(inside), layers.BatchNormalization()(inside)])
        chain = keras.Sequential([layers.Conv2D(3, 3, padding="same"), layers.BatchNormalization()])
        first, second = two_results(shared(chain(x)))
        return layers.Concatenate()([chain(shared(first)), two_results(second)[1]])

    assert_converts_alike(build, IMAGE, tmp_path, ending)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
@pytest.mark.parametrize("frozen", ["all", "some"])
def test_frozen_layers_of_a_nested_model(frozen: str, ending: str, tmp_path: Path) -> None:
    base = keras.Sequential([layers.Conv2D(4, 3), layers.BatchNormalization(), layers.Conv2D(4, 3)])
    model = keras.Sequential([keras.Input(IMAGE), base, layers.BatchNormalization(), layers.Flatten()])
    base.trainable = frozen != "all"
    base.layers[0].trainable = False
    random = np.random.default_rng(SEED)
    randomize(model, random)
    images = random.uniform(-2, 2, (3, *IMAGE)).astype(np.float32)
    assert_model_converts_alike(model, images, tmp_path, ending)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_optimizer_state_is_passed_over(ending: str, tmp_path: Path) -> None:
    random = np.random.default_rng(SEED)
    model = keras.Sequential(
        [keras.Input(IMAGE), layers.RandomFlip(), layers.Conv2D(4, 3), layers.Dropout(0.5), layers.Flatten()]
    )
    model.compile("adam", "mse", metrics=["mae"])
    images = random.uniform(-2, 2, (3, *IMAGE)).astype(np.float32)
    model.fit(images, np.zeros(model.predict(images, verbose=0).shape), verbose=0)
    assert_model_converts_alike(model, images, tmp_path, ending)


@pytest.mark.parametrize("ending", [".keras", ".h5"])
def test_layers_whose_arrays_have_no_names(ending: str, tmp_path: Path) -> None:
    from keras.src.applications import convnext  # Keras gives its layers no public names

    scale = convnext.LayerScale

    def build(x: Any) -> Any:
        inside = keras.Input((9, 11, 4))
        two = keras.Model(inside, scale(0.1, 4, name="d")(scale(0.1, 4, name="c")(inside)))
        return two(scale(0.1, 4, name="b")(scale(0.1, 4, name="a")(layers.Conv2D(4, 1)(x))))

    assert_converts_alike(build, IMAGE, tmp_path, ending)


def test_all_sizes_take_the_recipe_of_the_original(tmp_path: Path) -> None:
    images = keras.Input((None, None, 3))
    pooled = layers.GlobalAveragePooling2D()(layers.Conv2D(4, 3, strides=2, padding="same")(images))
    model = keras.Model(images, pooled)
    random = np.random.default_rng(SEED)
    randomize(model, random)
    # means over 224 by 224 pixels vary little from image to image: brightness must differ
    frames = random.uniform(0, 1, (3, 224, 224, 3)) * np.array([0.1, 1, 3])[:, None, None, None]
    assert_model_converts_alike(model, frames.astype(np.float32), tmp_path)
