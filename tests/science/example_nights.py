"""Classification files with known labels."""

from pathlib import Path

import numpy as np

from aurorapt.results.classifications import HEADER_ROW
from aurorapt.themis import CLASSES


def blocks(start: str, *parts: tuple[int, str], confidence: float = 0.75) -> list[str]:
    """Give rows of a camera that takes a frame every 3 s.

    Parameters
    ----------
    start : time of the first frame
    parts : minutes and class of one block after the other; a block without a class is a gap
    """
    rows = []
    time = np.datetime64(start, "s")
    for minutes, name in parts:
        for _ in range(minutes * 20):
            if name:
                stamp = str(time).replace("-", "").replace("T", ",")
                rows.append(f"{stamp},{CLASSES.index(name)},{name},{confidence}")
            time += np.timedelta64(3, "s")
    return rows


def write_nights(folder: Path, camera: str, rows: list[str]) -> list[Path]:
    """Write rows into one file for each date, as the original program names and heads them."""
    paths = []
    for date in sorted({row[:8] for row in rows}):
        path = folder / date[:4] / date[4:6] / date[6:] / f"{date}_{camera}_classifications.txt"
        write_file(path, [row for row in rows if row.startswith(date)])
        paths.append(path)
    return paths


def write_file(path: Path, rows: list[str]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = ["# File created on 2023-07-05 04:30:07", "# generated", "", HEADER_ROW, *rows]
    path.write_text("\n".join(lines) + "\n")
    return path
