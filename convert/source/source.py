"""What is converted: a model file, its class names and its elevation map."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aurorapt.errors import ConversionError, OptionError, WeightsError
from aurorapt.weights.weights_file import check_classes

from .blob import ELEVATION, LABELS, MODEL, PUBLISHED_BLOBS, blob_id
from .elevation import read_elevation_mask
from .labels import WAY_ROUND, read_labels

ELEVATION_NAME = "T_angle.npy"


@dataclass(frozen=True)
class Source:
    """A model file and what must be known beside it.

    Attributes
    ----------
    model : path of the Keras file
    classes : class names in the order of the network's outputs
    elevation_mask : (256, 256) uint8 [frame, y, x], 1 where a pixel is kept
    files : all that was read, the model among them
    published : whether model, labels and elevation map are the very files that the original's authors published
    """

    model: Path
    classes: tuple[str, ...]
    elevation_mask: NDArray[np.uint8]
    files: tuple[Path, ...]
    published: bool = False


def find_source(path: Path, classes: str | None, elevation: Path | None) -> Source:
    """Find everything a conversion needs.

    Parameters
    ----------
    path : a folder as the original program ships it (``model/*.model``, ``model/lb*.pickle``, ``T_angle.npy``), or a
        Keras file
    classes : comma-separated class names; needed with a file, and goes before the pickle of a folder
    elevation : elevation map; needed with a file, and goes before the one in a folder

    Raises
    ------
    OptionError
        If something needed is not given.
    ConversionError
        If something is missing or ambiguous in a folder, or cannot be read.
    """
    try:
        with suppress(FileNotFoundError, NotADirectoryError):
            path.stat()  # `is_dir` of Python 3.14 tells of no error, such as a name that is too long
        if path.is_dir():
            return _folder_source(path, classes, elevation)
        is_file = path.is_file()
    except OSError as error:
        raise OptionError(f"SOURCE {path} cannot be read: {error.strerror}") from None
    if not is_file:
        raise OptionError(f"SOURCE {path} does not exist; it must be a CNN_model folder or a Keras file")
    if classes is None or elevation is None:
        raise OptionError("a Keras file needs --classes NAME,NAME,... and --elevation FILE.npy beside it")
    return Source(path, _split(classes), read_elevation_mask(elevation), files=(path, elevation))


def _folder_source(folder: Path, classes: str | None, elevation: Path | None) -> Source:
    model = _only_one(folder / "model", "*.model")
    labels = None if classes else _only_one(folder / "model", "lb*.pickle", f"; {WAY_ROUND}")
    angles = elevation or _only_one(folder, ELEVATION_NAME)
    names = _split(classes) if classes else ()
    return Source(
        model=model,
        classes=_read_classes(labels) if labels else names,
        elevation_mask=read_elevation_mask(angles),
        files=(model, angles, *([labels] if labels else [])),
        published=labels is not None and _are_published(model, labels, angles),
    )


def _read_classes(labels: Path) -> tuple[str, ...]:
    names = read_labels(labels)
    try:
        check_classes(names)
    except WeightsError as error:
        raise ConversionError(f"{labels}: {error}; {WAY_ROUND}") from None
    return names


def _are_published(model: Path, labels: Path, angles: Path) -> bool:
    wanted = {MODEL: model, LABELS: labels, ELEVATION: angles}
    return all(blob_id(path) == PUBLISHED_BLOBS[name] for name, path in wanted.items())


def _split(classes: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in classes.split(","))


def _only_one(folder: Path, pattern: str, way_round: str = "") -> Path:
    found = sorted(path for path in folder.glob(pattern) if path.is_file() and not path.name.startswith("."))
    if len(found) != 1:
        listed = ", ".join(path.name for path in found) or "none"
        raise ConversionError(f"{folder} must hold one file {pattern}; found: {listed}{way_round}")
    return found[0]
