"""Class names out of a pickled LabelBinarizer or LabelEncoder of scikit-learn, without executing anything."""

import re
from pathlib import Path
from typing import Any

import numpy as np

from aurorapt.errors import ConversionError

from .pickles import BINARIZERS, BUFFERS, ENCODE, PickleReader, Recorded, text

LARGEST_PICKLE = 2**16  # bytes; four classes take 516
MOST_CLASSES = 10_000
KINDS = ("binary", "multiclass", "multilabel-indicator")  # of labels, of which each class has one output or may have
WAY_ROUND = "--classes NAME,NAME,... in the order of the network's outputs goes before it"


def read_labels(path: Path) -> tuple[str, ...]:
    """Read the class names of a label file.

    Returns
    -------
    class names in the order of the network's outputs

    Raises
    ------
    ConversionError
        If the file is anything but a pickled LabelBinarizer or LabelEncoder of texts or whole numbers.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_PICKLE + 1)
        if len(content) > LARGEST_PICKLE:
            raise ConversionError(f"has more than {LARGEST_PICKLE} bytes")
        return _classes(PickleReader().read(content))
    except ConversionError as error:
        raise ConversionError(f"{path}: {error}; {WAY_ROUND}") from None
    except OSError as error:
        raise ConversionError(f"{path}: cannot be read: {error.strerror}; {WAY_ROUND}") from None


def _classes(binarizer: Any) -> tuple[str, ...]:
    """Give the class names of a recorded LabelBinarizer or LabelEncoder."""
    if not isinstance(binarizer, Recorded) or binarizer.maker.place not in BINARIZERS:
        raise ConversionError("is not a pickled LabelBinarizer or LabelEncoder")
    state = binarizer.state
    if not isinstance(state, dict):
        raise ConversionError("is a label encoder that was not fitted")
    if binarizer.maker.name == "LabelBinarizer" and (kind := text(state.get("y_type_"))) not in KINDS:
        raise ConversionError(f"its labels are {kind!r:.40}, not {' or '.join(KINDS)}")
    try:
        return tuple(_class_name(value) for value in _items(state["classes_"]))
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, UnicodeError):
        raise ConversionError("its classes are not a plain array of texts or whole numbers") from None


def _class_name(value: Any) -> str:
    if not isinstance(value, (str, int)):
        raise ValueError
    return str(value)


def _items(array: Recorded) -> list[Any]:
    """Take the items out of a recorded numpy array of one axis."""
    if array.maker.place in BUFFERS:
        content, dtype, (count,), order = array.arguments
        plain = order in ("C", "F")
    else:
        _, (count,), dtype, fortran, content = array.state
        plain = not fortran
    kind, *_ = dtype.arguments
    if not plain or not 1 <= count <= MOST_CLASSES:
        raise ValueError
    if kind in ("O", "O8"):
        items = list(content)
    else:
        numbers = np.frombuffer(_bytes(content), _plain_dtype(kind, dtype.state[1]))
        items = [item.decode() if isinstance(item, bytes) else item for item in numbers.tolist()]
    if len(items) != count:
        raise ValueError
    return items


def _plain_dtype(kind: str, order: str) -> np.dtype[Any]:
    if not re.fullmatch(r"[US][1-9]\d{0,3}|[iu][1248]|b1", kind) or order not in ("<", ">", "|"):
        raise ValueError
    return np.dtype(f"{order}{kind}")


def _bytes(content: Any) -> bytes:
    """Give bytes, which protocols 0 to 2 and Python 2 write as text in Latin 1."""
    if isinstance(content, Recorded):
        encoded, encoding = content.arguments
        if content.maker.place != ENCODE or encoding != "latin1":
            raise ValueError
        content = encoded
    return content.encode("latin-1") if isinstance(content, str) else bytes(memoryview(content))
