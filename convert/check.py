"""Compare the converted network with what Keras gives for the same images."""

import hashlib
import importlib.util
import os
import shutil
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from aurorapt.errors import ConversionError, OptionError
from aurorapt.network.faithful import build_network
from aurorapt.weights.weights_file import Weights

from .files.keras_archive import COMPRESSIONS
from .files.npy import read_npy

LARGEST_DIFFERENCE = 1e-4  # of probabilities; both sides compute in float32, through a hundred layers and more
LARGEST_ARRAY = 2**31  # bytes, of recorded images or outputs
BATCH = 8  # images
IMAGES = 4  # made up for Keras
SEED = 20140310


def check_conversion(weights: Weights, reference: str, model: Path) -> dict[str, Any]:
    """Compare the network with a reference.

    Parameters
    ----------
    weights : converted
    reference : a ``.npz`` file of arrays ``x`` (n, y, x, channel; as Keras takes them) and ``y`` (n, classes), or
        ``keras`` to run the source file in the installed Keras
    model : the source file

    Returns
    -------
    what was compared and the largest difference, for the provenance

    Raises
    ------
    OptionError
        If there is no such file, or no Keras.
    ConversionError
        If the reference cannot be used, or differs by more than `LARGEST_DIFFERENCE`.
    """
    if reference == "keras":
        images, expected, provenance = _run_keras(model, weights)
    else:
        images, expected, provenance = _read_recording(Path(reference))
    if not len(images):
        raise ConversionError(f"--check {reference}: holds no images")
    found = _run_torch(weights, images, reference)
    if found.shape != expected.shape:
        raise ConversionError(
            f"--check {reference}: expects outputs of {expected.shape}, the network gives {found.shape}"
        )
    difference = float(np.abs(found - expected).max())
    if not difference <= LARGEST_DIFFERENCE:
        raise ConversionError(
            f"--check {reference}: outputs differ by up to {difference:.3g}, more than {LARGEST_DIFFERENCE:g}; "
            "nothing was written"
        )
    return {**provenance, "images": len(images), "largest_difference": difference}


def _run_torch(weights: Weights, images: NDArray[np.float32], reference: str) -> NDArray[np.float32]:
    channels, y, x = weights.input_shape
    if images.shape[1:] == (y, x, channels):
        images = images.transpose(0, 3, 1, 2)
    elif images.shape[1:] != weights.input_shape:
        raise ConversionError(
            f"--check {reference}: images must be {(y, x, channels)} or {weights.input_shape}, not {images.shape[1:]}"
        )
    network = build_network(weights)
    with torch.inference_mode():
        parts = [
            network(torch.from_numpy(np.ascontiguousarray(images[start : start + BATCH]))).numpy()
            for start in range(0, len(images), BATCH)
        ]
    return np.concatenate(parts)


def _read_recording(path: Path) -> tuple[NDArray[np.float32], NDArray[np.float32], dict[str, Any]]:
    try:
        if not path.is_file():
            raise OptionError(f"--check {path} does not exist; it must be a .npz file of arrays x and y, or keras")
        with zipfile.ZipFile(path) as archive:
            images, outputs = _read_array(archive, "x.npy"), _read_array(archive, "y.npy")
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except (OSError, ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error) as error:
        raise ConversionError(f"--check {path}: is not a .npz file of arrays x and y: {error!s:.200}") from None
    return images, outputs, {"reference": path.name, "reference_sha256": digest}


def _read_array(archive: zipfile.ZipFile, name: str) -> NDArray[np.float32]:
    size, packing = archive.getinfo(name).file_size, archive.getinfo(name).compress_type
    if packing not in COMPRESSIONS:
        raise ValueError(f"{name} is packed in a way that numpy does not use")
    with archive.open(name) as file:
        array = read_npy(file, min(size, LARGEST_ARRAY))
    if not array.ndim:
        raise ValueError(f"{name} is a single number")
    return array.astype(np.float32)


def _run_keras(model: Path, weights: Weights) -> tuple[NDArray[np.float32], NDArray[np.float32], dict[str, Any]]:
    if importlib.util.find_spec("keras") is None:
        raise OptionError("--check keras needs an installed Keras; without it, name a .npz file of arrays x and y")
    if importlib.util.find_spec("tensorflow") is None:
        os.environ.setdefault("KERAS_BACKEND", "torch")
    try:
        import keras
    except ImportError as error:
        raise OptionError(f"--check keras: the installed Keras cannot be used: {error!s:.200}") from None

    with tempfile.TemporaryDirectory() as folder:
        # Keras goes by the ending of the name, and the original's files end in .model
        copy = Path(folder) / ("model.keras" if zipfile.is_zipfile(model) else "model.h5")
        shutil.copyfile(model, copy)
        try:
            loaded = keras.models.load_model(copy, compile=False)
            shape = _keras_shape(weights, loaded.input_shape)
            images = np.random.default_rng(SEED).uniform(0, 255, (IMAGES, *shape)).astype(np.float32)
            outputs = np.asarray(loaded.predict(images, verbose=0))
        except Exception as error:  # whatever Keras finds wrong with the file, of whatever class
            reason = " ".join(str(error).split())
            raise ConversionError(
                f"--check keras: Keras {keras.__version__} cannot run the model: {reason:.200}"
            ) from None
    return images, outputs, {"reference": f"Keras {keras.__version__}"}


def _keras_shape(weights: Weights, batch_shape: tuple[int | None, ...]) -> tuple[int, ...]:
    """Give the shape of an image in the source; like the converter, take the last axis for channels if it can be."""
    channels, y, x = weights.input_shape
    channels_last = (y, x, channels)
    fits = all(size in (None, own) for size, own in zip(batch_shape[1:], channels_last, strict=True))
    return channels_last if fits else weights.input_shape
