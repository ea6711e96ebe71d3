"""Make the files in keras_2/ : small models that only Keras 2 writes, with what TensorFlow computes for them.

Run in an environment with tensorflow-cpu 2.12 (Python 3.8 to 3.11); with 2.15 it makes that version's archive alone:

    pip install "tensorflow-cpu==2.12.*" && python tests/convert/make_keras_2_files.py
"""

from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow import keras
from tensorflow.keras import layers

FOLDER = Path(__file__).parent / "keras_2"
IMAGES = 3
SEED = 20140310


def sliding_windows():
    """Cover padding that Keras 3 on torch does otherwise, depthwise and separable kernels, hard_sigmoid of Keras 2."""
    images = keras.Input((13, 10, 3))
    x = layers.AveragePooling2D((2, 3), strides=(1, 2), padding="same")(images)
    x = layers.DepthwiseConv2D((3, 2), strides=2, depth_multiplier=2, padding="same", activation="hard_sigmoid")(x)
    x = layers.SeparableConv2D(5, (2, 3), padding="same", depth_multiplier=2, activation="swish")(x)
    x = layers.LeakyReLU(alpha=0.2)(x)
    x = layers.Conv2D(6, (3, 3), dilation_rate=(1, 2), padding="same", activation=tf.nn.relu6)(x)
    x = layers.AveragePooling2D(2, strides=(3, 1), padding="same")(x)
    return keras.Model(images, layers.Flatten()(x))


def functions():
    """Cover each activation of Keras 2 on its own channels."""
    images = keras.Input((6, 5, 3))
    names = ["elu", "exponential", "gelu", "hard_sigmoid", "linear", "relu", "selu", "sigmoid", "softplus"]
    names += ["softsign", "swish", "tanh", "softmax", tf.nn.leaky_relu, tf.nn.silu]
    x = [layers.Activation(name)(layers.Conv2D(2, 1)(images)) for name in names]
    x += [layers.ReLU(3.0, 0.1, 0.5)(images), layers.ELU(0.3)(images), layers.PReLU()(images)]
    x += [layers.experimental.SyncBatchNormalization()(images)]
    return keras.Model(images, layers.Flatten()(layers.Concatenate()(x)))


def operations():
    """Cover operations that TensorFlow records as layers, among them the preprocessing of ResNet-50."""
    images = keras.Input((8, 7, 3))
    x = keras.applications.resnet50.preprocess_input(images)
    x = keras.applications.mobilenet_v2.preprocess_input(x)
    hard = layers.ReLU(6.0)(x + 3.0) * (1.0 / 6.0)
    x = tf.nn.relu6(x * hard) - 2.0 * x + tf.nn.sigmoid(3.0 - x)
    x = tf.nn.silu(x) * tf.tanh(x) + tf.nn.relu(x)
    return keras.Model(images, layers.Flatten()(layers.Conv2D(4, 3)(x)))


def nested():
    """Cover models within models, called once and twice, with frozen layers and several results."""
    images = keras.Input((9, 9, 3))
    inside = keras.Input((9, 9, 3))
    two = keras.Model(
        inside, [layers.Conv2D(3, 1, name="one")(inside), layers.BatchNormalization()(inside)], name="two_results"
    )
    chain = keras.Sequential(
        [layers.Conv2D(3, 3, padding="same", name="one"), layers.BatchNormalization(), layers.ReLU()], name="chain"
    )
    outer_input = keras.Input((9, 9, 3))
    outer = keras.Model(outer_input, layers.Conv2D(3, 1, name="last")(chain(outer_input)), name="outer")
    shared = layers.Conv2D(3, 3, padding="same", activation="tanh", name="shared")
    first, second = two(shared(outer(images)))
    third = two(shared(second))[0]
    chain.layers[1].trainable = False
    two.trainable = False
    x = layers.Concatenate()([outer(first), layers.Dropout(0.5)(third)])
    return keras.Model(images, layers.Flatten()(x))


def renamed():
    """Cover layers renamed after they were made, so that their arrays keep other names."""
    images = keras.Input((6, 6, 3))
    base = keras.Sequential([layers.Conv2D(3, 1), layers.BatchNormalization(), layers.Conv2D(3, 1)], name="base")
    x = base(images)
    for layer in base.layers:
        layer._name = f"renamed_{layer.name}"
    return keras.Model(images, layers.Flatten()(x))


def augmented():
    """Cover layers that change images in training only, scaling, and statistics learned from data."""
    images = keras.Input((8, 8, 3))
    x = layers.Rescaling(1 / 127.5, offset=-1)(images)
    normalization = layers.Normalization(axis=(1, 3))
    normalization.adapt(np.random.default_rng(SEED).uniform(-1, 1, (20, 8, 8, 3)))
    x = normalization(x)
    for layer in (
        layers.RandomFlip(),
        layers.RandomRotation(0.2),
        layers.RandomZoom(0.2),
        layers.RandomContrast(0.2),
        layers.RandomBrightness(0.2),
        layers.RandomTranslation(0.2, 0.2),
        layers.GaussianNoise(0.2),
        layers.SpatialDropout2D(0.2),
    ):
        x = layer(x)
    x = layers.RandomWidth(0.2)(layers.RandomHeight(0.2)(x))
    return keras.Model(images, layers.Conv2D(4, 3)(x))


def nasnet():
    """Make a NASNet with one block of each kind and few filters."""
    from keras.applications.nasnet import NASNet

    return NASNet(
        input_shape=(32, 32, 3),
        penultimate_filters=96,
        num_blocks=1,
        stem_block_filters=4,
        skip_reduction=False,
        weights=None,
        classes=4,
        classifier_activation=None,
    )


def convnext():
    """Make a ConvNeXt with one block in each stage and few filters."""
    from keras.applications.convnext import ConvNeXt

    return ConvNeXt(
        depths=[1, 1, 1, 1],
        projection_dims=[4, 6, 8, 10],
        input_shape=(32, 32, 3),
        weights=None,
        classes=4,
        classifier_activation=None,
    )


def randomize(model, random):
    for weight in model.weights:
        if weight.name.split("/")[-1] in ("mean:0", "variance:0", "count:0"):
            continue  # what Normalization learned, of which it keeps a copy that would not change
        if "variance" in weight.name:
            weight.assign(random.uniform(0.5, 2, weight.shape))
        else:
            spread = min(0.5, 1 / np.sqrt(np.prod(weight.shape[:-1])))
            weight.assign(random.normal(0.3 if "gamma" in weight.name else 0, spread, weight.shape))


def save(model, name, ending=".h5", **options):
    random = np.random.default_rng(SEED)
    randomize(model, random)
    images = random.uniform(-2, 2, (IMAGES, *model.input_shape[1:])).astype(np.float32)
    model.save(FOLDER / f"{name}{ending}", **options)
    np.savez_compressed(FOLDER / f"{name}.npz", x=images, y=model.predict(images, verbose=0))


def main():
    FOLDER.mkdir(exist_ok=True)
    version = ".".join(tf.__version__.split(".")[:2])
    options = {"save_format": "keras_v3"} if version == "2.12" else {}
    save(nested(), f"archive_of_{version}", ".keras", **options)
    if version == "2.12":
        for make in (sliding_windows, functions, operations, nested, renamed, augmented, nasnet, convnext):
            save(make(), make.__name__)


if __name__ == "__main__":
    main()
