"""A Keras source to weights ready to be written."""

import hashlib
import zipfile
from datetime import datetime, timezone
from pathlib import Path

from aurorapt import __version__
from aurorapt.errors import ConversionError, WeightsError
from aurorapt.images.preprocess import RECIPE
from aurorapt.weights.weights_file import Weights, check_weights

from .files.keras_archive import read_keras_archive
from .files.keras_file import KerasFile
from .files.keras_h5 import read_keras_h5
from .graph import build_graph
from .source.blob import COMMIT, PUBLISHED_BLOBS, REPOSITORY
from .source.source import Source

PUBLISHED_ORIGIN = {"repository": REPOSITORY, "commit": COMMIT, "git_blobs": dict(PUBLISHED_BLOBS)}
LARGEST_MODEL = 4 * 2**30  # bytes


def convert_source(source: Source) -> Weights:
    """Convert a source.

    Parameters
    ----------
    source : from `convert.source.source.find_source`

    Returns
    -------
    weights, proved sound

    Raises
    ------
    ConversionError
        Naming the model file and the reason.
    """
    path = source.model
    try:
        digest = _sha256(path)
        keras_file = read_keras_file(path)
        graph, tensors, input_shape = build_graph(keras_file.model, keras_file.arrays, keras_file.writer)
        weights = Weights(
            name=path.stem,
            kind="published" if source.published else "converted",
            classes=source.classes,
            input_shape=input_shape,
            preprocessing=RECIPE,
            graph=graph,
            tensors=tensors,
            elevation_mask=source.elevation_mask,
            provenance={
                "source": path.name,
                "source_sha256": digest,
                "keras_version": keras_file.writer.version,
                "converter_version": __version__,
                "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                **(PUBLISHED_ORIGIN if source.published else {}),
            },
        )
        check_weights(weights)
    except (ConversionError, WeightsError) as error:
        raise ConversionError(f"{path}: {error}") from None
    return weights


def read_keras_file(path: Path) -> KerasFile:
    """Read a Keras model file of any format, which its content tells and not its name."""
    return read_keras_archive(path) if zipfile.is_zipfile(path) else read_keras_h5(path)


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    try:
        if path.stat().st_size > LARGEST_MODEL:
            raise ConversionError(f"has more than {LARGEST_MODEL} bytes")
        with path.open("rb") as file:
            while block := file.read(2**20):
                digest.update(block)
    except OSError as error:
        raise ConversionError(f"cannot be read: {error.strerror}") from None
    return digest.hexdigest()
