"""Class names out of a pickled scikit-learn LabelBinarizer, without executing anything.

The pickle is read instruction by instruction. Only the few instructions that plain data and numpy arrays of text need
are known, and a global name is a name, never imported or called.

A `pickle.Unpickler` whose ``find_class`` refuses would not be enough: it executes nothing, but makes its memo as large
as an index in the file says. The nine bytes ``80 04 4e 72 ff ff ff 0f 2e`` cost it 4 GB.
"""

import pickletools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from aurorapt.errors import ConversionError

LARGEST_PICKLE = 2**16  # bytes; four classes take 516
MOST_CLASSES = 10_000
BINARIZERS = (
    ("sklearn.preprocessing._label", "LabelBinarizer"),
    ("sklearn.preprocessing.label", "LabelBinarizer"),  # until scikit-learn 0.21
)
RECONSTRUCTORS = (("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"))
KNOWN_GLOBALS = (*BINARIZERS, *RECONSTRUCTORS, ("numpy", "ndarray"), ("numpy", "dtype"))


@dataclass(frozen=True)
class _Global:
    module: str
    name: str


@dataclass
class _Object:
    """What a class or function of the pickle was asked to make: recorded, not made."""

    maker: _Global
    arguments: Any
    state: Any = None


def read_labels(path: Path) -> tuple[str, ...]:
    """Read the class names of a label file.

    Returns
    -------
    class names in the order of the network's outputs

    Raises
    ------
    ConversionError
        If the file is anything but a pickled LabelBinarizer of text classes.
    """
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_PICKLE + 1)
        if len(content) > LARGEST_PICKLE:
            raise ConversionError(f"has more than {LARGEST_PICKLE} bytes")
        return _classes(_Reader().read(content))
    except ConversionError as error:
        raise ConversionError(f"{path}: {error}") from None
    except OSError as error:
        raise ConversionError(f"{path}: cannot be read: {error.strerror}") from None


class _Reader:
    """Stack machine for the known instructions."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._marks: list[int] = []  # places in the stack
        self._memo: dict[int, Any] = {}

    def read(self, content: bytes) -> Any:
        try:
            for opcode, argument, _ in pickletools.genops(content):
                self._step(opcode.name, argument)
        except (ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ConversionError(f"is not a sound pickle: {error!s:.100}") from None
        if len(self._stack) != 1:
            raise ConversionError("is not a sound pickle")
        return self._stack[0]

    def _step(self, name: str, argument: Any) -> None:
        if name in _LITERALS:
            self._stack.append(_LITERALS[name])
        elif name in _VALUES:
            self._stack.append(argument)
        elif name in ("PROTO", "FRAME", "STOP"):
            return
        elif handler := getattr(self, f"_{name.lower()}", None):
            handler(argument)
        else:
            raise ConversionError(f"its instruction {name} is not one that a label file needs")

    def _memoize(self, argument: Any) -> None:
        self._memo[len(self._memo)] = self._stack[-1]

    def _binput(self, argument: int) -> None:
        self._memo[argument] = self._stack[-1]

    _long_binput = _put = _binput

    def _binget(self, argument: int) -> None:
        self._stack.append(self._memo[argument])

    _long_binget = _get = _binget

    def _mark(self, argument: Any) -> None:
        self._marks.append(len(self._stack))

    def _since_mark(self) -> list[Any]:
        mark = self._marks.pop()
        items = self._stack[mark:]
        del self._stack[mark:]
        return items

    def _tuple(self, argument: Any) -> None:
        self._stack.append(tuple(self._since_mark()))

    def _tuple1(self, argument: Any) -> None:
        self._stack[-1:] = [tuple(self._stack[-1:])]

    def _tuple2(self, argument: Any) -> None:
        self._stack[-2:] = [tuple(self._stack[-2:])]

    def _tuple3(self, argument: Any) -> None:
        self._stack[-3:] = [tuple(self._stack[-3:])]

    def _empty_dict(self, argument: Any) -> None:
        self._stack.append({})

    def _empty_list(self, argument: Any) -> None:
        self._stack.append([])

    def _appends(self, argument: Any) -> None:
        items = self._since_mark()
        self._plain(list).extend(items)

    def _append(self, argument: Any) -> None:
        item = self._stack.pop()
        self._plain(list).append(item)

    def _setitems(self, argument: Any) -> None:
        items = self._since_mark()
        for key, value in zip(items[::2], items[1::2], strict=True):
            self._set(key, value)

    def _setitem(self, argument: Any) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._set(key, value)

    def _set(self, key: Any, value: Any) -> None:
        self._plain(dict)[_text(key)] = value

    def _plain(self, kind: type) -> Any:
        if type(self._stack[-1]) is not kind:
            raise ConversionError("it fills something that is not plain data")
        return self._stack[-1]

    def _global(self, argument: str) -> None:
        module, name = argument.split(" ", 1)
        self._push_global(module, name)

    def _stack_global(self, argument: Any) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._push_global(_text(module), _text(name))

    def _push_global(self, module: str, name: str) -> None:
        if (module, name) not in KNOWN_GLOBALS:
            raise ConversionError(f"refers to {module!s:.80}.{name!s:.80}, which a label file does not need")
        self._stack.append(_Global(module, name))

    def _newobj(self, argument: Any) -> None:
        arguments, maker = self._stack.pop(), self._stack.pop()
        self._make(maker, arguments, BINARIZERS)

    def _reduce(self, argument: Any) -> None:
        arguments, maker = self._stack.pop(), self._stack.pop()
        self._make(maker, arguments, (*RECONSTRUCTORS, ("numpy", "dtype")))

    def _make(self, maker: Any, arguments: Any, allowed: tuple[tuple[str, str], ...]) -> None:
        if not isinstance(maker, _Global) or (maker.module, maker.name) not in allowed:
            raise ConversionError("it makes an object that a label file does not need")
        self._stack.append(_Object(maker, arguments))

    def _build(self, argument: Any) -> None:
        state = self._stack.pop()
        if not isinstance(self._stack[-1], _Object):
            raise ConversionError("it changes something that is not an object")
        self._stack[-1].state = state


_LITERALS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_VALUES = {
    *("BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "BINFLOAT"),
    *("SHORT_BINUNICODE", "BINUNICODE", "UNICODE", "SHORT_BINBYTES", "BINBYTES"),
}


def _text(value: Any) -> str:
    """Take only text where a name must be: hashing or showing anything else could exhaust the stack."""
    if not isinstance(value, str):
        raise ConversionError("is not a sound pickle: a name in it is not text")
    return value


def _classes(binarizer: Any) -> tuple[str, ...]:
    """Give the class names of a recorded LabelBinarizer."""
    state = binarizer.state if isinstance(binarizer, _Object) else None
    if not isinstance(state, dict) or (binarizer.maker.module, binarizer.maker.name) not in BINARIZERS:
        raise ConversionError("is not a pickled LabelBinarizer")
    kind = _text(state.get("y_type_"))
    if kind not in ("multiclass", "multilabel-indicator"):
        raise ConversionError(f"its labels are {kind!r:.40}, not multiclass")
    try:
        return _text_array(state["classes_"])
    except (KeyError, ValueError, TypeError, AttributeError, IndexError, UnicodeError):
        raise ConversionError("its classes are not a plain array of text") from None


def _text_array(array: _Object) -> tuple[str, ...]:
    """Take the text out of a recorded numpy array: state is (version, shape, dtype, fortran order, bytes)."""
    _, (count,), dtype, fortran, content = array.state
    kind, *_ = dtype.arguments
    order = dtype.state[1]
    length = int(kind.removeprefix("U"))
    plain = kind.startswith("U") and order in ("<", ">") and fortran is False and isinstance(content, bytes)
    if not plain or not 1 <= count <= MOST_CLASSES or length * 4 * count != len(content):
        raise ValueError("not an array of text")
    return tuple(np.frombuffer(content, dtype=f"{order}U{length}").tolist())
