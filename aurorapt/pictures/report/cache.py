"""What was summed up the last time, kept beside the page, so that only what has changed is summed up again."""

import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterable
from dataclasses import asdict
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from aurorapt import __version__
from aurorapt.machine.plain_files import read_plain
from aurorapt.machine.whole_files import WriteError, write_whole
from aurorapt.pictures.report.collect import Known
from aurorapt.pictures.report.records import NightRecord
from aurorapt.results.classifications import cannot_write

LARGEST_CACHE = 2**30  # bytes; 5 000 camera-nights take some 20 MB
CALCULATING = ("", ".archive", ".results", ".science", ".pictures", ".pictures.report")  # whose code makes what is kept
TUPLES = ("key", "classes", "counts", "minutes", "weights", "made_by")


def cache_path(page: Path) -> Path:
    """Give the path of what is kept beside a page."""
    return page.with_name(f"{page.name}.cache")


@lru_cache(maxsize=1)
def maker() -> str:
    """Tell the code and the smoothing model that make what is kept from any other, whatever its version says."""
    digest = hashlib.sha256(__version__.encode())
    for package in CALCULATING:
        for file in sorted(resources.files(f"aurorapt{package}").iterdir(), key=lambda file: file.name):
            if file.name.endswith((".py", ".json")):
                digest.update(f"{package} {file.name}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def read_cache(page: Path) -> dict[tuple[str, str], Known]:
    """Read what is kept beside a page; nothing where it is missing, damaged or made by other code."""
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(read_plain(cache_path(page), LARGEST_CACHE))) as file:
            if json.loads(file.readline()) != {"maker": maker()}:
                return {}
            found = [_known(json.loads(line)) for line in file]
    except (OSError, EOFError, ValueError, TypeError, KeyError, AttributeError, RecursionError, zlib.error):
        return {}
    return {known.record.key: known for known in found}


def _known(document: dict[str, Any]) -> Known:
    fields = document.pop("record")
    fields |= {name: tuple(fields[name]) for name in TUPLES}
    fields["faults"] = [tuple(fault) for fault in fields["faults"]]
    return Known(NightRecord(**fields), **document)


def write_cache(page: Path, found: Iterable[Known]) -> None:
    """Keep what was summed up.

    Raises
    ------
    ResultsError
        If it cannot be written.
    """
    content = io.BytesIO()
    with gzip.GzipFile(fileobj=content, mode="wb", compresslevel=1, mtime=0) as file:
        file.write(json.dumps({"maker": maker()}).encode() + b"\n")
        for known in found:
            file.write(json.dumps(asdict(known), separators=(",", ":")).encode() + b"\n")
    try:
        write_whole({cache_path(page): content.getvalue()})
    except WriteError as error:
        raise cannot_write(f"write {error.filename}", error) from None
