"""The elevation map of the training recipe, and the mask made of it."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aurorapt.errors import ConversionError
from aurorapt.images.preprocess import RECIPE
from aurorapt.themis import FRAME_SIZE

from ..files.npy import read_npy

LARGEST_MAP = 2**22  # bytes; one of 256 by 256 float64 takes 524416


def read_elevation_mask(path: Path) -> NDArray[np.uint8]:
    """Read a map of elevation angles and mark the pixels that are high enough.

    Parameters
    ----------
    path : a ``.npy`` file, (256, 256) [frame, y, x], in degrees above the horizon

    Returns
    -------
    (256, 256) uint8; 1 where the angle is at least the recipe's smallest, 0 elsewhere

    Raises
    ------
    ConversionError
        If the file is not such a map.
    """
    try:
        size = path.stat().st_size
        if not path.is_file() or size > LARGEST_MAP:
            raise ConversionError(f"{path}: is not a file of at most {LARGEST_MAP} bytes")
        with path.open("rb") as file:
            angles = read_npy(file, size)
    except OSError as error:
        raise ConversionError(f"{path}: cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise ConversionError(f"{path}: is not a sound .npy file: {error!s:.100}") from None
    if angles.dtype.kind != "f" or angles.shape != (FRAME_SIZE, FRAME_SIZE):
        raise ConversionError(f"{path}: an elevation map must be {FRAME_SIZE} by {FRAME_SIZE} floating-point numbers")
    if not np.isfinite(angles).all():
        raise ConversionError(f"{path}: has elevation angles that are not finite")
    return (angles >= RECIPE["minimum_elevation_degrees"]).astype(np.uint8)
