"""Careful reading of HDF5: only hard links, plain datasets and bounded sizes, so that no file can lead elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import h5py
import numpy as np
from numpy.typing import NDArray

from aurorapt.errors import ConversionError

MOST_BYTES = 2**31  # in one file's arrays
HIGHEST_COMPRESSION = 100  # times; arrays of trained weights hardly shrink, and Keras stores them as they are
MOST_OBJECTS = 100_000  # groups and datasets of one file
DEEPEST_GROUP = 64
FILTERS = ("gzip", "lzf", None)  # compressions that h5py itself brings


_FAULTS = (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError, OverflowError, MemoryError)


@contextmanager
def open_hdf5(source: str | BinaryIO) -> Iterator[h5py.File]:
    """Open a file for reading; whatever HDF5 finds wrong with it becomes a ConversionError."""
    try:
        with h5py.File(source, "r") as file:
            yield file
    except _FAULTS as error:
        raise ConversionError(
            f"is not a sound HDF5 file: {' '.join(str(error).split()) or 'it asks for too much memory':.200}"
        ) from None


def child(group: h5py.Group, path: str) -> h5py.Group | h5py.Dataset:
    """Find an object below a group, reached through hard links only."""
    found = group
    for part in path.split("/"):
        if not isinstance(found, h5py.Group) or found.get(part, getlink=True) is None:
            raise ConversionError(f"{group.name} holds no {path!r:.80}")
        _require_hard_link(found, part)
        found = found[part]
    return found


def list_arrays(group: h5py.Group) -> list[str]:
    """List the paths of all datasets below a group, relative to it."""
    found: list[str] = []
    waiting = [("", group)]
    seen = 0
    while waiting:
        prefix, here = waiting.pop()
        if prefix.count("/") > DEEPEST_GROUP:
            raise ConversionError(f"groups are nested more than {DEEPEST_GROUP} deep")
        for name in here:
            seen += 1
            if seen > MOST_OBJECTS:
                raise ConversionError(f"it holds more than {MOST_OBJECTS} objects")
            _require_hard_link(here, name)
            item = here[name]
            if isinstance(item, h5py.Group):
                waiting.append((f"{prefix}{name}/", item))
            else:
                found.append(prefix + name)
    return sorted(found)


def _require_hard_link(group: h5py.Group, name: str) -> None:
    link = group.get(name, getlink=True)
    if not isinstance(link, h5py.HardLink):
        kind = "an external link" if isinstance(link, h5py.ExternalLink) else "a soft link"
        raise ConversionError(f"{name!r:.80} is {kind}, which Keras does not write and which is not followed")


class ArrayReader:
    """The reading of arrays, up to a bound on all of them together."""

    def __init__(self) -> None:
        self._left = MOST_BYTES

    def read(self, group: h5py.Group, path: str) -> NDArray[Any]:
        """Read the array at a path below a group."""
        dataset = child(group, path)
        if not isinstance(dataset, h5py.Dataset) or dataset.shape is None or not _is_plain(dataset.dtype):
            raise ConversionError(f"{path!r:.120} is not an array of numbers")
        if dataset.external or dataset.is_virtual:
            raise ConversionError(f"{path!r:.120} keeps its data in another file, which is not followed")
        if dataset.compression not in FILTERS:
            raise ConversionError(f"{path!r:.120} is compressed in a way that cannot be read")
        claimed, stored = dataset.size * dataset.dtype.itemsize, dataset.id.get_storage_size()
        if claimed > self._left:
            raise ConversionError(f"{path!r:.120} claims {claimed} bytes; a file's arrays may hold {MOST_BYTES}")
        if claimed > HIGHEST_COMPRESSION * stored:
            raise ConversionError(f"{path!r:.120} claims {claimed} bytes and stores {stored}")
        self._left -= claimed
        array: NDArray[Any] = np.asarray(dataset[()])
        return array


def _is_plain(dtype: np.dtype[Any]) -> bool:
    """Tell whether its numbers are of a size that arrays of Keras have; HDF5 knows wider ones."""
    return dtype.kind in "fiu" and dtype.itemsize in (1, 2, 4, 8)
