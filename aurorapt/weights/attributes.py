"""What a weights file may say: demands on it, and what the attributes of operations may be."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from aurorapt.errors import WeightsError

LARGEST_INTEGER = 2**24  # far beyond any image network
LARGEST_NUMBER = 3.4e38  # of float32


def require(condition: bool, complaint: str) -> None:
    """Refuse a weights file unless a condition holds.

    Raises
    ------
    WeightsError
        With the complaint, where it does not hold.
    """
    if not condition:
        raise WeightsError(complaint)


@dataclass(frozen=True)
class Attribute:
    """What an attribute may be: ``wanted`` says it in words, ``accepts`` decides it."""

    wanted: str
    accepts: Callable[[Any], bool]


def _is_integer(value: Any, smallest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and smallest <= value <= LARGEST_INTEGER


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) <= LARGEST_NUMBER


def _are_integers(value: Any, count: int | None, smallest: int) -> bool:
    return (
        isinstance(value, tuple)
        and 1 <= len(value) <= 8
        and (count is None or len(value) == count)
        and all(_is_integer(item, smallest) for item in value)
    )


FLAG = Attribute("true or false", lambda value: isinstance(value, bool))
NUMBER = Attribute("a number within float32", _is_number)
POSITIVE_NUMBER = Attribute("a number above 0", lambda value: _is_number(value) and value > 0)
OPTIONAL_NUMBER = Attribute("a number within float32, or null", lambda value: value is None or _is_number(value))
COUNT = Attribute("a whole number above 0", lambda value: _is_integer(value, 1))
PAIR = Attribute("two whole numbers above 0 (y, x)", lambda value: _are_integers(value, 2, 1))
SIDES = Attribute("four whole numbers (top, bottom, left, right)", lambda value: _are_integers(value, 4, 0))
SHAPE = Attribute("a list of whole numbers above 0", lambda value: _are_integers(value, None, 1))
AXIS = Attribute("an axis after the batch", lambda value: _is_integer(value, 1))
UPSAMPLING = Attribute("nearest or bilinear", lambda value: value in ("nearest", "bilinear"))
