"""Trees of results with companions, of known labels."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aurorapt.results.companion import companion_path
from tests.example_results import companion
from tests.science.example_nights import blocks, write_nights

EVENING = ((60, "no_aurora"), (90, "pulsating"), (60, "other_aurora"))


def write_tree(folder: Path, camera: str, start: str, *parts: tuple[int, str], **changes: Any) -> list[Path]:
    """Write the classification files of a camera, a companion beside each.

    Parameters
    ----------
    camera : its folder, such as gill_themis19
    start, parts : as `blocks` takes them
    changes : what the companions say otherwise
    """
    site = camera.partition("_")[0]
    paths = write_nights(folder, f"{site}_themis", blocks(start, *parts))
    for path in paths:
        describe(path, camera, **changes)
    return paths


def describe(path: Path, camera: str, **changes: Any) -> None:
    """Write the companion of a classification file."""
    night = f"{path.name[:8]} {camera}"
    document = asdict(companion(path.read_text(), camera_night=night, **changes))
    companion_path(path).write_text(json.dumps(document))
