"""Make the files in keras_2/ : small models that only Keras 2 writes, with what TensorFlow computes for them.

Each file is made by one version of one program. Run in an environment with one of these, it makes all of that version:

    pip install "tensorflow-cpu==2.12.*"      (or 2.13.*, or 2.15.*; Python 3.9 to 3.11)
    pip install tensorflow==1.14.0 "h5py<3" "protobuf<3.21"      (Python 3.7)
    python tests/convert/make_keras_2_files.py

and beside TensorFlow 1.14 the package that Keras was of its own:

    pip install keras==2.2.4      (or 2.0.8)
    python tests/convert/make_keras_2_files.py keras
"""
# Python 3.7 has no zip(strict=True)
# ruff: noqa: B905

import sys
from pathlib import Path

import numpy as np
import tensorflow as tf

if sys.argv[1:] == ["keras"]:  # the package of its own, before it became part of TensorFlow
    import keras
    from keras import layers

    PROGRAM = "keras"
else:
    from tensorflow import keras
    from tensorflow.keras import layers

    PROGRAM = "tensorflow"

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


def fitted():
    """Cover what training leaves in an archive: the state of optimizer, losses and metrics, in a nested model too."""
    images = keras.Input((8, 8, 3))
    base = keras.Sequential([layers.Conv2D(3, 3), layers.BatchNormalization(), layers.ReLU()], name="base")
    x = layers.Conv2D(4, 3, activation="relu")(base(images))
    x = layers.Dropout(0.3)(layers.Flatten()(x))
    return keras.Model(images, layers.Dense(4, activation="softmax")(x))


def newer_operations():
    """Cover operations outside layers that attention and preprocessing use, and layers of later versions."""
    images = keras.Input((8, 7, 3))
    x = layers.Resizing(9, 12)(images)
    x = layers.GroupNormalization(2)(layers.Conv2D(4, 3)(layers.ThresholdedReLU(0.4)(x)))
    spatial = tf.concat([tf.reduce_mean(x, axis=-1, keepdims=True), tf.reduce_max(x, axis=3, keepdims=True)], axis=3)
    x = x * layers.Conv2D(1, 3, padding="same", activation="sigmoid")(tf.pad(spatial, [[0, 0]] * 4))
    x = tf.pad(tf.nn.leaky_relu(x, alpha=0.1), [[0, 0], [1, 0], [0, 2], [0, 0]])
    x = tf.maximum(x, -0.2) + tf.nn.elu(x) * tf.nn.gelu(x)
    x = x + 3.0 * tf.reduce_mean(x, [1, 2], keepdims=True)
    x = tf.nn.softmax(tf.reshape(x, (-1, 8 * 12, 4)), axis=2)
    return keras.Model(images, layers.Flatten()(x))


def softmax_reshaped():
    """Cover a softmax that is reshaped, as that of the first MobileNet."""
    images = layers.Input((6, 5, 3))
    x = layers.GlobalAveragePooling2D()(layers.Conv2D(6, 3)(images))
    x = layers.Conv2D(4, 1)(layers.Reshape((1, 1, 6))(x))
    return keras.models.Model(images, layers.Reshape((4,))(layers.Activation("softmax")(x)))


def transfer():
    """Cover a Sequential model whose first layer is a model, and a Sequential model within it."""
    images = layers.Input((10, 9, 3))
    x = layers.BatchNormalization()(layers.Conv2D(4, 3)(images))
    base = keras.models.Model(images, layers.MaxPooling2D()(layers.Activation("relu")(x)), name="base")
    base.layers[1].trainable = False
    head = keras.models.Sequential([layers.Dense(6, activation="relu", input_shape=(48,)), layers.Dense(5)])
    model = keras.models.Sequential([base, layers.Flatten(), head, layers.Dense(4)])
    return model


def sequential_first():
    """Cover Sequential models within each other, which Keras 2.0 leaves without names."""
    inner = keras.models.Sequential([layers.Conv2D(4, 3, input_shape=(8, 9, 3)), layers.BatchNormalization()])
    middle = keras.models.Sequential([inner, layers.Conv2D(3, 2)])
    second = keras.models.Sequential([layers.Conv2D(3, 2, input_shape=(5, 6, 3)), layers.BatchNormalization()])
    return keras.models.Sequential([middle, second, layers.Flatten(), layers.Dense(4)])


def enlarged():
    """Cover interpolation between the corners of pixels, which TensorFlow gave up later."""
    images = layers.Input((6, 5, 3))
    x = layers.UpSampling2D((2, 3), interpolation="bilinear")(images)
    x = layers.Conv2D(3, 2)(layers.UpSampling2D(2)(x))
    return keras.models.Model(images, layers.Flatten()(x))


def small_epsilon():
    """Cover an epsilon below what fused batch normalisation takes, in each kind of input."""
    images = layers.Input((6, 5, 3))
    x = layers.BatchNormalization(epsilon=1e-6)(layers.Conv2D(4, 3)(images))
    x = layers.BatchNormalization(epsilon=1e-6)(layers.Dense(4)(layers.Flatten()(x)))
    return keras.models.Model(images, x)


def randomize(model, random):
    values = []
    for weight, value in zip(model.weights, keras.backend.batch_get_value(model.weights)):
        name = weight.name.split("/")[-1]
        if name in ("mean:0", "variance:0", "count:0"):
            values.append(value)  # what Normalization learned, of which it keeps a copy that would not change
        elif "variance" in name:
            values.append(random.uniform(0.5, 2, value.shape))
        else:
            spread = min(0.5, 1 / np.sqrt(np.prod(value.shape[:-1])))
            values.append(random.normal(0.3 if "gamma" in name else 0, spread, value.shape))
    keras.backend.batch_set_value(list(zip(model.weights, values)))


def shrink_variances(model):
    """Make variances so small that an epsilon of 1e-6 tells from one of 1e-5, and results no larger for it."""
    factors = {"moving_variance:0": 1e-5, "gamma:0": 3e-3}
    values = keras.backend.batch_get_value(model.weights)
    changed = [value * factors.get(weight.name.split("/")[-1], 1) for weight, value in zip(model.weights, values)]
    keras.backend.batch_set_value(list(zip(model.weights, changed)))


def fit(model, random):
    model.compile("adam", "categorical_crossentropy", metrics=["accuracy", keras.metrics.AUC()])
    classes = np.eye(4)[random.integers(0, 4, 16)]
    model.fit(random.uniform(-2, 2, (16, *model.input_shape[1:])), classes, verbose=0)


def save(model, name, ending=".h5", training=False, **options):
    random = np.random.default_rng(SEED) if hasattr(np.random, "default_rng") else np.random.RandomState(SEED)
    randomize(model, random)
    if "epsilon" in name:
        shrink_variances(model)
    if training:
        fit(model, random)
    images = random.uniform(-2, 2, (IMAGES, *model.input_shape[1:])).astype(np.float32)
    model.save(str(FOLDER / (name + ending)), **options)
    np.savez_compressed(str(FOLDER / (name + ".npz")), x=images, y=model.predict(images, verbose=0))


def save_as_on_windows(name):
    """Save an archive as TensorFlow did on Windows, with backslashes between the groups."""
    from keras.src.saving import saving_lib

    make = saving_lib.H5IOStore.make
    saving_lib.H5IOStore.make = lambda self, path: make(self, path.replace("/", "\\"))
    save(fitted(), name, ".keras", training=True)
    saving_lib.H5IOStore.make = make


def of_tensorflow_2_12():
    save(nested(), "archive_of_2.12", ".keras", save_format="keras_v3")
    save(fitted(), "fitted_of_2.12", ".keras", training=True, save_format="keras_v3")
    for make in (sliding_windows, functions, operations, nested, renamed, augmented, nasnet, convnext):
        save(make(), make.__name__)


def of_tensorflow_2_13():
    save(fitted(), "fitted_of_2.13", ".keras", training=True)
    save_as_on_windows("windows_of_2.13")


def of_tensorflow_2_15():
    save(nested(), "archive_of_2.15", ".keras")
    save(fitted(), "fitted_of_2.15", ".keras", training=True)
    save_as_on_windows("windows_of_2.15")
    save(newer_operations(), "newer_operations")
    save(small_epsilon(), "small_epsilon_of_2.15")
    save(softmax_reshaped(), "softmax_reshaped")


def of_tensorflow_1_14():
    save(transfer(), "transfer_of_tensorflow_1.14")
    save(small_epsilon(), "small_epsilon_of_tensorflow_1.14")


def of_keras_2_2():
    save(transfer(), "transfer_of_keras_2.2")
    save(enlarged(), "enlarged_of_keras_2.2")
    save(small_epsilon(), "small_epsilon_of_keras_2.2")


def of_keras_2_0():
    save(transfer(), "transfer_of_keras_2.0")
    save(sequential_first(), "sequential_first_of_keras_2.0")
    save(softmax_reshaped(), "softmax_reshaped_of_keras_2.0")
    save(small_epsilon(), "small_epsilon_of_keras_2.0")


MAKERS = {
    "tensorflow 2.12": of_tensorflow_2_12,
    "tensorflow 2.13": of_tensorflow_2_13,
    "tensorflow 2.15": of_tensorflow_2_15,
    "tensorflow 1.14": of_tensorflow_1_14,
    "keras 2.2": of_keras_2_2,
    "keras 2.0": of_keras_2_0,
}


def main():
    FOLDER.mkdir(exist_ok=True)
    version = keras.__version__ if PROGRAM == "keras" else tf.__version__
    MAKERS["{} {}".format(PROGRAM, ".".join(version.split(".")[:2]))]()


if __name__ == "__main__":
    main()
