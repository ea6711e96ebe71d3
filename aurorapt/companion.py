"""The JSON companion beside each CSV: how it was made, and whether it is current."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_origin, get_type_hints

COMPANION_FORMAT = 1
NOT_DONE = "not done yet"
# why a CSV is not current, by the field of its companion that says otherwise
STALE_REASONS = {
    "weights_sha256": "other weights",
    "precision": "other precision",
    "salvage": "other salvage",
    "fingerprint": "changed data",
}


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
    """Path of the JSON companion beside a CSV."""
    return csv_file.with_suffix(".json")


def read_companion(csv_file: Path) -> Companion | None:
    """Companion of a CSV, or None where it is missing, not one, or of another format."""
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


def why_stale(csv_file: Path, wanted: Mapping[str, Any]) -> str | None:
    """Say why a camera-night is to be done, or done anew; None where its CSV is current.

    Parameters
    ----------
    wanted : what its companion must say, by field: of ``STALE_REASONS``, all that the caller knows

    Returns
    -------
    `NOT_DONE`, one of ``STALE_REASONS``, or another reason
    """
    companion = read_companion(csv_file)
    if companion is None:
        return "damaged" if csv_file.exists() or companion_path(csv_file).exists() else NOT_DONE
    for name, reason in STALE_REASONS.items():
        if name in wanted and getattr(companion, name) != wanted[name]:
            return reason
    if any(problem["may_pass"] for problem in companion.problems):
        return "files that could not be read"  # they may be readable now
    try:
        content = csv_file.read_bytes()
    except OSError:
        return "damaged"
    return None if hashlib.sha256(content).hexdigest() == companion.csv_sha256 else "damaged"
