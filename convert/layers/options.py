"""Options of Keras layers: what each may be, and refusal by name of anything else."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aurorapt.errors import ConversionError
from aurorapt.weights.attributes import LARGEST_INTEGER, LARGEST_NUMBER

from ..keras_model import Layer, class_name

REQUIRED = object()

Options = Mapping[str, Any]


@dataclass(frozen=True)
class Option:
    """An option: ``supported`` in words, ``parse`` to a plain value (ValueError refuses), and its default."""

    supported: str
    parse: Callable[[Any], Any]
    default: Any = REQUIRED


def _integer(value: Any, smallest: int) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not smallest <= value <= LARGEST_INTEGER:
        raise ValueError
    return value


def _number(value: Any) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not abs(value) <= LARGEST_NUMBER:
        raise ValueError
    return float(value)


def _pair(value: Any, smallest: int) -> tuple[int, int]:
    y, x = value if isinstance(value, (list, tuple)) else (value, value)
    return _integer(y, smallest), _integer(x, smallest)


def _flag(value: Any) -> bool:
    if value not in (True, False, 0, 1):
        raise ValueError
    return bool(value)


def _sides(value: Any) -> tuple[int, int, int, int]:
    """Read ``n``, ``(y, x)`` or ``((top, bottom), (left, right))``."""
    y, x = value if isinstance(value, (list, tuple)) else (value, value)
    return *_pair(y, 0), *_pair(x, 0)


def flag(default: Any = REQUIRED) -> Option:
    return Option("true or false", _flag, default)


def integer(default: Any = REQUIRED, smallest: int = 1) -> Option:
    return Option(f"a whole number from {smallest}", lambda value: _integer(value, smallest), default)


def number(default: Any = REQUIRED) -> Option:
    return Option("a number", _number, default)


def optional_number(default: Any = REQUIRED) -> Option:
    return Option("a number or none", lambda value: None if value is None else _number(value), default)


def pair(default: Any = REQUIRED) -> Option:
    return Option("a whole number from 1 for each way", lambda value: _pair(value, 1), default)


def optional_pair() -> Option:
    return Option("a whole number from 1 for each way", lambda value: None if value is None else _pair(value, 1), None)


def sides(default: Any) -> Option:
    return Option("whole numbers from 0 for each side", _sides, default)


def axes(default: Any = REQUIRED) -> Option:
    return Option("a list of axes", lambda value: tuple(_integer(axis, 1) for axis in value or ()), default)


def sizes(default: Any = REQUIRED) -> Option:
    return Option("a list of sizes, one of them -1", lambda value: tuple(_integer(size, -1) for size in value), default)


def one_axis(default: Any = -1) -> Option:
    """Read one axis, written as a number or as a list of one."""

    def parse(value: Any) -> int:
        if isinstance(value, (list, tuple)):
            (value,) = value
        return _integer(value, -8)

    return Option("one axis", parse, default)


def numbers(default: Any = REQUIRED) -> Option:
    """Read one number, or nested lists of them of any shape; none where the file may leave it out."""

    def parse(value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            return [parse(item) for item in value]
        return None if value is None else _number(value)

    return Option("a number or a list of numbers", parse, default)


def one_of(*choices: str, default: Any = REQUIRED) -> Option:
    def parse(value: Any) -> str:
        if value not in choices:
            raise ValueError
        return str(value)

    return Option(" or ".join(choices), parse, default)


def only(*values: Any) -> Option:
    """Make an option of which nothing but these values can be converted; the first is the default."""

    def parse(value: Any) -> Any:
        if not any(value is allowed or value == allowed for allowed in values):
            raise ValueError
        return value

    return Option(f"{' or '.join(str(value).lower() for value in values)} only", parse, values[0])


def activation(default: Any = "linear") -> Option:
    """Make an option that names a function; which functions there are is told where it is applied."""

    def parse(value: Any) -> Any:
        if value is None:
            return "linear"
        if isinstance(value, str):
            return value
        if value["class_name"] == "function":  # someone's own, even under the name of one of Keras
            raise ValueError
        kind = class_name(value)
        return Layer(str(value["config"].get("name", kind)), kind, dict(value["config"]), ())

    return Option("a function of the table below", parse, default)


def ignored(reason: str) -> Option:
    return Option(f"any; {reason}", lambda value: value, None)


def any_options() -> Mapping[str, Option]:
    """Know every option, for a layer that does nothing whatever they say."""
    return {ANY_OTHER: ignored("training only")}


ANY_OTHER = "(all)"
DATA_FORMAT = one_of("channels_last", "channels_first", default="channels_last")
PADDING = one_of("valid", "same", default="valid")

_TRAINING_ONLY_ENDINGS = ("_initializer", "_regularizer", "_constraint")


def _float32(value: Any) -> str:
    name = value.get("config", {}).get("name") if isinstance(value, dict) else value
    if name not in (None, "float32"):
        raise ValueError
    return "float32"


COMMON_OPTIONS: Mapping[str, Option] = {
    "name": ignored("a label"),
    "trainable": ignored("training only"),
    "dtype": Option("float32 only", _float32, None),
    "batch_input_shape": ignored("read where the model begins"),
    "input_shape": ignored("read where the model begins"),
    "dynamic": only(False),
    "autocast": ignored("everything is float32"),
    "quantization_config": only(None),
    "lora_rank": only(None),
    "lora_alpha": ignored("without lora_rank it does nothing"),
    "seed": ignored("training only"),
}


def parse_options(layer: Layer, known: Mapping[str, Option]) -> Options:
    """Read a layer's options by its handler's table.

    Raises
    ------
    ConversionError
        Naming the layer, its type and the option that cannot be converted.
    """
    table = {**COMMON_OPTIONS, **known}
    for name in sorted(layer.options.keys() - table.keys()):
        if ANY_OTHER not in known and not name.endswith(_TRAINING_ONLY_ENDINGS):
            raise refusal(layer, f"option {name!r:.60} is not known")
    return {name: _parse_option(layer, name, option) for name, option in table.items()}


def _parse_option(layer: Layer, name: str, option: Option) -> Any:
    value = layer.options.get(name, option.default)
    if value is REQUIRED:
        raise refusal(layer, f"option {name} is missing")
    try:
        return option.parse(value)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        raise refusal(layer, f"{name}={value!r:.80} cannot be converted (supported: {option.supported})") from None


def refusal(layer: Layer, reason: str) -> ConversionError:
    """Make the error that names a layer and its type."""
    return ConversionError(f"layer {layer.name} ({layer.class_name:.80}): {reason}")
