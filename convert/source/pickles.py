"""Careful reading of pickles: instruction by instruction, without executing anything.

Only the few instructions that plain data and numpy arrays need are known, and a global name is a name, never imported
or called.

A `pickle.Unpickler` whose ``find_class`` refuses would not be enough: it executes nothing, but makes its memo as large
as an index in the file says. The nine bytes ``80 04 4e 72 ff ff ff 0f 2e`` cost it 4 GB.
"""

import pickletools
from dataclasses import dataclass
from typing import Any

from aurorapt.errors import ConversionError

MODULES = ("sklearn.preprocessing._label", "sklearn.preprocessing.label")  # the second until scikit-learn 0.21
BINARIZERS = tuple((module, name) for module in MODULES for name in ("LabelBinarizer", "LabelEncoder"))
RECONSTRUCTORS = (("numpy.core.multiarray", "_reconstruct"), ("numpy._core.multiarray", "_reconstruct"))
BUFFERS = (("numpy.core.numeric", "_frombuffer"), ("numpy._core.numeric", "_frombuffer"))  # of protocol 5
SCALARS = (("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"))
DTYPE = ("numpy", "dtype")
# how protocols 0 to 2 write bytes, and 0 and 1 any object
ENCODE, BYTES = ("_codecs", "encode"), ("__builtin__", "bytes")
RECONSTRUCTOR, OBJECT = ("copy_reg", "_reconstructor"), ("__builtin__", "object")
FUNCTIONS = (*RECONSTRUCTORS, *BUFFERS, *SCALARS, DTYPE, ENCODE, BYTES)
KNOWN_GLOBALS = (*BINARIZERS, *FUNCTIONS, RECONSTRUCTOR, OBJECT, ("numpy", "ndarray"))


@dataclass(frozen=True)
class Global:
    """A name of something outside the pickle."""

    module: str
    name: str

    @property
    def place(self) -> tuple[str, str]:
        """Module and name."""
        return self.module, self.name


@dataclass
class Recorded:
    """What a class or function of the pickle was asked to make: recorded, not made."""

    maker: Global
    arguments: Any
    state: Any = None


class PickleReader:
    """Stack machine for the known instructions."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._marks: list[int] = []  # places in the stack
        self._memo: dict[int, Any] = {}

    def read(self, content: bytes) -> Any:
        """Give what the pickle describes: plain data, and `Recorded` for every object.

        Raises
        ------
        ConversionError
            If the pickle is not sound, or needs anything unknown.
        """
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

    def _list(self, argument: Any) -> None:
        self._stack.append(self._since_mark())

    def _dict(self, argument: Any) -> None:
        items = self._since_mark()
        self._stack.append({})
        self._set_all(items)

    def _appends(self, argument: Any) -> None:
        items = self._since_mark()
        self._plain(list).extend(items)

    def _append(self, argument: Any) -> None:
        item = self._stack.pop()
        self._plain(list).append(item)

    def _setitems(self, argument: Any) -> None:
        self._set_all(self._since_mark())

    def _set_all(self, items: list[Any]) -> None:
        for key, value in zip(items[::2], items[1::2], strict=True):
            self._set(key, value)

    def _setitem(self, argument: Any) -> None:
        value, key = self._stack.pop(), self._stack.pop()
        self._set(key, value)

    def _set(self, key: Any, value: Any) -> None:
        self._plain(dict)[text(key)] = value

    def _plain(self, kind: type) -> Any:
        if type(self._stack[-1]) is not kind:
            raise ConversionError("it fills something that is not plain data")
        return self._stack[-1]

    def _global(self, argument: str) -> None:
        module, name = argument.split(" ", 1)
        self._push_global(module, name)

    def _stack_global(self, argument: Any) -> None:
        name, module = self._stack.pop(), self._stack.pop()
        self._push_global(text(module), text(name))

    def _push_global(self, module: str, name: str) -> None:
        if (module, name) not in KNOWN_GLOBALS:
            raise ConversionError(f"refers to {module!s:.80}.{name!s:.80}, which a label file does not need")
        self._stack.append(Global(module, name))

    def _newobj(self, argument: Any) -> None:
        arguments, maker = self._stack.pop(), self._stack.pop()
        self._make(maker, arguments, BINARIZERS)

    def _reduce(self, argument: Any) -> None:
        arguments, maker = self._stack.pop(), self._stack.pop()
        if maker == Global(*RECONSTRUCTOR):
            maker, arguments = arguments[0], ()
            self._make(maker, arguments, BINARIZERS)
        else:
            self._make(maker, arguments, FUNCTIONS)

    def _make(self, maker: Any, arguments: Any, allowed: tuple[tuple[str, str], ...]) -> None:
        if not isinstance(maker, Global) or maker.place not in allowed:
            raise ConversionError("it makes an object that a label file does not need")
        self._stack.append(Recorded(maker, arguments))

    def _build(self, argument: Any) -> None:
        state = self._stack.pop()
        if not isinstance(self._stack[-1], Recorded):
            raise ConversionError("it changes something that is not an object")
        self._stack[-1].state = state


_LITERALS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
_VALUES = {
    *("BININT", "BININT1", "BININT2", "INT", "LONG", "LONG1", "FLOAT", "BINFLOAT"),
    *("SHORT_BINUNICODE", "BINUNICODE", "UNICODE", "SHORT_BINBYTES", "BINBYTES", "BYTEARRAY8"),
    *("STRING", "SHORT_BINSTRING", "BINSTRING"),  # of Python 2, where bytes are text
}


def text(value: Any) -> str:
    """Take only text where a name must be: hashing or showing anything else could exhaust the stack.

    Raises
    ------
    ConversionError
        If it is anything else.
    """
    if not isinstance(value, str):
        raise ConversionError("is not a sound pickle: a name in it is not text")
    return value
