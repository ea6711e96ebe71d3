"""The JSON companion beside each CSV: how it was made."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_origin, get_type_hints

COMPANION_FORMAT = 1


@dataclass(frozen=True)
class Companion:
    """How a CSV was made.

    ``precision`` is the network's arithmetic, ``salvage`` whether frames of damaged files were kept, and
    ``salvaged_rows`` are the times of their rows; ``fingerprint`` is that of the minute files, ``csv_sha256`` the hash
    of the CSV this companion belongs to; ``counts`` are rows per class.
    """

    aurorapt_version: str
    camera_night: str
    weights_name: str
    weights_kind: str
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
    problems: list[dict[str, Any]]
    seconds: float
    csv_sha256: str
    format: int = COMPANION_FORMAT


def companion_path(csv_file: Path) -> Path:
    """Give the path of the JSON companion beside a CSV."""
    return csv_file.with_suffix(".json")


def read_companion(csv_file: Path) -> Companion | None:
    """Read the companion of a CSV; None where it is missing, not one, or of another format."""
    try:
        document = json.loads(companion_path(csv_file).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or document.get("format") != COMPANION_FORMAT:
        return None
    kinds = {name: get_origin(kind) or kind for name, kind in get_type_hints(Companion).items()}
    sound = document.keys() == kinds.keys() and all(
        isinstance(value, (int, float) if kinds[name] is float else kinds[name]) for name, value in document.items()
    )
    return Companion(**document) if sound and all(map(_is_problem, document["problems"])) else None


def _is_problem(problem: Any) -> bool:
    return isinstance(problem, dict) and problem.keys() == {"file", "reason", "may_pass"}
