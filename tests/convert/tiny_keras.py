"""Keras files of one Dense layer, written by hand, and the label file and elevation map that go with them."""

import io
import json
import pickle
import sys
import types
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np

CLASSES = ("bad_viewing", "no_aurora", "other_aurora", "pulsating")
SHAPE = (4, 5, 3)  # (y, x, channel)
SEED = 20140310


def tiny_config(activation: str = "softmax") -> dict[str, Any]:
    """Give the configuration of Flatten and Dense as Keras 2 writes it."""
    layers = [
        {"class_name": "InputLayer", "config": {"name": "images", "batch_input_shape": [None, *SHAPE]}},
        {"class_name": "Flatten", "config": {"name": "flatten", "trainable": True, "data_format": "channels_last"}},
        {
            "class_name": "Dense",
            "config": {"name": "dense", "trainable": True, "units": len(CLASSES), "activation": activation},
        },
    ]
    return {"class_name": "Sequential", "config": {"name": "tiny", "layers": layers}}


def tiny_arrays() -> dict[str, np.ndarray]:
    """Give kernel and bias of the Dense layer."""
    random = np.random.default_rng(SEED)
    kernel = random.normal(0, 0.1, (int(np.prod(SHAPE)), len(CLASSES))).astype(np.float32)
    return {"kernel": kernel, "bias": random.normal(0, 0.1, len(CLASSES)).astype(np.float32)}


@contextmanager
def tiny_h5(path: Path, config: str | None = None) -> Iterator[h5py.File]:
    """Write a sound file of Keras 2, and leave it open to be spoiled."""
    with h5py.File(path, "w") as file:
        file.attrs["keras_version"] = b"2.12.0"
        file.attrs["model_config"] = config or json.dumps(tiny_config())
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = np.array([b"flatten", b"dense"])
        weights.create_group("flatten").attrs["weight_names"] = np.array([], "S1")
        dense = weights.create_group("dense")
        dense.attrs["weight_names"] = np.array([b"dense/kernel:0", b"dense/bias:0"])
        for name, array in tiny_arrays().items():
            dense[f"dense/{name}:0"] = array
        yield file


def archive_members() -> dict[str, bytes]:
    """Give the members of a sound .keras archive."""
    content = io.BytesIO()
    with h5py.File(content, "w") as file:
        for number, array in enumerate(tiny_arrays().values()):
            file[f"layers/dense/vars/{number}"] = array
    return {
        "metadata.json": json.dumps({"keras_version": "3.15.1"}).encode(),
        "config.json": json.dumps(tiny_config()).encode(),
        "model.weights.h5": content.getvalue(),
    }


def write_archive(path: Path, members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> None:
    """Write an archive of these members."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)


def write_labels(
    path: Path, classes: Any = CLASSES, protocol: int = 4, class_name: str = "LabelBinarizer", **state: Any
) -> None:
    """Pickle what looks like scikit-learn's LabelBinarizer or LabelEncoder."""
    package, module = "sklearn.preprocessing", "sklearn.preprocessing._label"
    binarizer_class = type(class_name, (), {"__module__": module})
    stand_ins = {name: types.ModuleType(name) for name in ("sklearn", package, module)}
    setattr(stand_ins[module], class_name, binarizer_class)
    kept = {name: sys.modules.get(name) for name in stand_ins}
    sys.modules.update(stand_ins)
    try:
        binarizer = binarizer_class()
        known = {"y_type_": "multiclass"} if class_name == "LabelBinarizer" else {}
        binarizer.__dict__.update({**known, "classes_": np.array(classes), **state})
        path.write_bytes(pickle.dumps(binarizer, protocol))
    finally:
        for name, module_kept in kept.items():
            if module_kept is None:
                del sys.modules[name]
            else:
                sys.modules[name] = module_kept


def write_elevation(path: Path) -> np.ndarray:
    """Write a map that falls from 90 degrees at the centre to below 0 in the corners."""
    y, x = np.mgrid[:256, :256] - 127.5
    angles = 90 - np.hypot(y, x) * 0.7
    np.save(path, angles)
    return angles


def write_folder(folder: Path) -> Path:
    """Write a CNN_model folder."""
    (folder / "model").mkdir(parents=True)
    with tiny_h5(folder / "model" / "CNN_tiny.model"):
        pass
    write_labels(folder / "model" / "lb_4c.pickle")
    write_elevation(folder / "T_angle.npy")
    return folder
