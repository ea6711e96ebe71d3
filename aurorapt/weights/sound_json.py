"""JSON that means one thing only: every key once, and every number within float."""

import json
import math
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar

from aurorapt.errors import WeightsError
from aurorapt.weights.attributes import require

_Number = TypeVar("_Number", int, float)


def read_object(text: bytes) -> dict[str, Any]:
    """Read the JSON object that describes weights.

    Raises
    ------
    WeightsError
        If it is none, is not sound, or has a key twice or a number beyond float.
    """
    try:
        document = json.loads(text, object_pairs_hook=_unique_keys, **_NUMBERS)
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"its description is not sound JSON: {error!s:.200}") from None
    require(isinstance(document, dict), "its description is not a JSON object")
    return dict(document)


def _unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise ValueError("a key is there twice")
    return document


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not a number")


def _within_float(kind: Callable[[str], _Number], text: str) -> _Number:
    number = kind(text)
    if not math.isfinite(float(text)):
        raise ValueError(f"the number {text:.20} is beyond what a float can hold")
    return number


_NUMBERS: Mapping[str, Any] = {
    "parse_constant": _refuse_constant,
    "parse_int": partial(_within_float, int),
    "parse_float": partial(_within_float, float),
}
