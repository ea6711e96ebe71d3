"""Careful reading of texts in HDF5 attributes.

A list of texts of any length is kept as references, and a small file may refer to one large text thousands of times,
which HDF5 then reads thousands of times. It offers no way to ask for the lengths before.
"""

import mmap
from pathlib import Path

import h5py
import numpy as np

from aurorapt.errors import ConversionError

from .memory import bounded_memory, can_bound_memory

LARGEST_TEXTS = 2**25  # bytes that HDF5 keeps together; configurations have up to 2**22
MOST_NAMES = 2**16  # in one list
UNGUARDED = 2**28  # bytes that a list may hold at most before its reading is guarded
LARGEST_LIST = 2**30  # the same where it cannot be guarded; a NASNetLarge may hold 7e8 by this measure
GUARDED = 2**27  # bytes of memory for a list whose reading is guarded
SIZES = (8, 8)  # bytes of an address and of a length in the file, always so in what Keras writes

_COLLECTION = b"GCOL\x01\x00\x00\x00"  # the beginning of texts kept together, before their size


def largest_texts(content: bytes | mmap.mmap) -> int:
    """Give the bytes of the largest collection of texts in an HDF5 file, which no text in it can exceed."""
    largest, place = 0, content.find(_COLLECTION)
    while place >= 0:
        start = place + len(_COLLECTION)
        size = int.from_bytes(content[start : start + SIZES[1]], "little")
        largest = max(largest, size if size <= len(content) - place else 0)
        place = content.find(_COLLECTION, start)
    return largest


def largest_texts_of_file(path: Path) -> int:
    """Give the same for a file that is not read whole."""
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return largest_texts(content)


class TextReader:
    """The reading of texts and lists of names out of a file.

    Parameters
    ----------
    file : open
    largest : bytes that one text of it may have, from `largest_texts`
    """

    def __init__(self, file: h5py.File, largest: int) -> None:
        if file.id.get_create_plist().get_sizes() != SIZES:
            raise ConversionError("keeps addresses in a size that Keras does not write")
        if largest > LARGEST_TEXTS:
            raise ConversionError(f"holds a text of up to {largest} bytes, more than {LARGEST_TEXTS}")
        self._largest = largest

    def text(self, attributes: h5py.AttributeManager, name: str) -> str | None:
        """Read the text of an attribute; none if there is no such attribute."""
        if name not in attributes:
            return None
        if self._count(attributes, name) != 1:
            raise ConversionError(f"attribute {name} is not one text")
        value = attributes[name]
        if isinstance(value, bytes):
            return value.decode()
        if not isinstance(value, str):
            raise ConversionError(f"attribute {name} is not text")
        return value

    def names(self, attributes: h5py.AttributeManager, name: str) -> list[str]:
        """Read a list of names, which Keras cuts into numbered pieces where it is long.

        Raises
        ------
        ConversionError
            If there is no such list.
        """
        if name in attributes:
            pieces = [name]
        else:
            pieces = []
            while f"{name}{len(pieces)}" in attributes:
                pieces.append(f"{name}{len(pieces)}")
        if not pieces:
            raise ConversionError(f"attribute {name} is missing")
        names = [item for piece in pieces for item in self._list(attributes, piece)]
        return [item.decode() if isinstance(item, bytes) else str(item) for item in names]

    def _list(self, attributes: h5py.AttributeManager, name: str) -> list[str | bytes]:
        most = self._count(attributes, name) * self._largest
        if most > (UNGUARDED if can_bound_memory() else LARGEST_LIST):
            return self._guarded_list(attributes, name)
        found: list[str | bytes] = np.ravel(attributes[name]).tolist()
        return found

    def _guarded_list(self, attributes: h5py.AttributeManager, name: str) -> list[str | bytes]:
        try:
            if not can_bound_memory():
                raise MemoryError
            with bounded_memory(GUARDED):
                found: list[str | bytes] = np.ravel(attributes[name]).tolist()
        except (OSError, RuntimeError, MemoryError):
            raise ConversionError(f"attribute {name} refers to more text than a list of names has") from None
        return found

    def _count(self, attributes: h5py.AttributeManager, name: str) -> int:
        """Count the texts of an attribute, which must be nothing else; an empty list may be of any kind."""
        attribute = attributes.get_id(name)
        kind, count = attribute.get_type(), int(attribute.get_space().get_simple_extent_npoints())
        if count and not isinstance(kind, h5py.h5t.TypeStringID):
            raise ConversionError(f"attribute {name} is not text")
        if count > MOST_NAMES or count * kind.get_size() > LARGEST_TEXTS:
            raise ConversionError(f"attribute {name} has {count} texts, more than a list of names has")
        return count
