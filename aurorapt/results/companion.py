"""The JSON companion beside each CSV: how it was made."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypedDict, get_args, get_origin, get_type_hints

from aurorapt.machine.plain_files import read_plain

COMPANION_FORMAT = 2
EARLIER_FORMAT = 1  # without the weights' identity, and without the count of a problem
LARGEST_COMPANION = 64 * 2**20  # bytes; a problem for each of a night's 1440 minutes takes half a megabyte


class RecordedProblem(TypedDict):
    """A problem as the companion holds it; see `aurorapt.archive.camera_nights.Problem`."""

    file: str
    reason: str
    may_pass: bool
    count: int


@dataclass(frozen=True)
class Companion:
    """How a CSV was made.

    ``weights_identity`` says what the weights compute, ``weights_sha256`` which file they came from; the first is empty
    in companions of version 0.1. ``precision`` is the network's arithmetic, ``salvage`` whether frames of damaged files
    were kept, and ``salvaged_rows`` are the times of their rows; ``fingerprint`` is that of the minute files,
    ``csv_sha256`` the hash of the CSV this companion belongs to; ``counts`` are rows per class.
    """

    aurorapt_version: str
    camera_night: str
    weights_name: str
    weights_kind: str
    weights_identity: str
    weights_sha256: str
    precision: str
    salvage: bool
    classes: list[str]
    input_files: int
    input_bytes: int
    fingerprint: str
    frames: int
    rows: int
    counts: dict[str, int]
    salvaged_rows: list[str]
    problems: list[RecordedProblem]
    seconds: float
    csv_sha256: str
    format: int = COMPANION_FORMAT

    def is_of(self, weights_identity: str, weights_sha256: str) -> bool:
        """Whether weights compute what those compute that the CSV was made with."""
        if self.weights_identity:
            return self.weights_identity == weights_identity
        return self.weights_sha256 == weights_sha256


_KINDS = get_type_hints(Companion)


def companion_path(csv_file: Path) -> Path:
    """Give the path of the JSON companion beside a CSV."""
    return csv_file.with_suffix(".json")


def read_companion(csv_file: Path) -> Companion | None:
    """Read the companion of a CSV; None where it is missing, not one, or of another format."""
    try:
        document = json.loads(read_plain(companion_path(csv_file), LARGEST_COMPANION), parse_constant=_refuse_constant)
    except (OSError, ValueError, RecursionError, MemoryError):
        return None
    if not isinstance(document, dict):
        return None
    if document.get("format") == EARLIER_FORMAT:
        document = _of_today(document)
    if document.get("format") != COMPANION_FORMAT or document.keys() != _KINDS.keys():
        return None
    return Companion(**document) if all(_fits(document[name], kind) for name, kind in _KINDS.items()) else None


def _of_today(document: Mapping[str, Any]) -> dict[str, Any]:
    """Bring a document of the earlier format into today's."""
    problems = document.get("problems")
    if isinstance(problems, list):
        problems = [{"count": 1, **problem} if isinstance(problem, dict) else problem for problem in problems]
    return {"weights_identity": "", **document, "problems": problems, "format": COMPANION_FORMAT}


def _refuse_constant(constant: str) -> None:
    raise ValueError(f"{constant} is not a number")


def _fits(value: Any, kind: Any) -> bool:
    """Whether a value of a JSON document is of this type, in all its parts."""
    if kind is RecordedProblem:
        parts = get_type_hints(kind)
        return (
            isinstance(value, dict)
            and value.keys() == parts.keys()
            and all(_fits(value[name], part) for name, part in parts.items())
        )
    if get_origin(kind) is list:
        return isinstance(value, list) and all(_fits(part, get_args(kind)[0]) for part in value)
    if get_origin(kind) is dict:
        return isinstance(value, dict) and all(_fits(part, get_args(kind)[1]) for part in value.values())
    if kind in (int, float):
        number = isinstance(value, int) or (kind is float and isinstance(value, float))
        return number and not isinstance(value, bool) and 0 <= value < 2**63
    return isinstance(value, kind)
