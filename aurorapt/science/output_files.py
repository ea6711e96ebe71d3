"""Tables written to disk, whole or not at all."""

import csv
import io
import json
import math
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from aurorapt.errors import OptionError
from aurorapt.machine.extras import load_extra
from aurorapt.machine.whole_files import WriteError, write_whole
from aurorapt.results.classifications import cannot_write

FORMATS = ("csv", "json", "parquet")
TIMES = {"start", "end", "period_start"}  # columns of ISO 8601 text
FLAGS = {"start_censored", "end_censored", "site_validated", "moon_up"}


def check_format(given: str | None, output: Path, formats: Sequence[str] = FORMATS) -> str:
    """Give the format of a table: what was asked for, else what the file's name says, else CSV.

    Raises
    ------
    OptionError
        If there is no such format, or its package is not installed.
    """
    ending = output.suffix.lstrip(".").lower()
    chosen = given or (ending if ending in formats else "csv")
    if chosen not in formats:
        raise OptionError(f"--format {chosen!r} is unknown; give {' or '.join(formats)}")
    if chosen == "parquet":
        load_pyarrow()
    return chosen


def load_pyarrow() -> Any:
    """Load pyarrow, which the extra ``parquet`` brings.

    Raises
    ------
    OptionError
        If it cannot be used.
    """
    load_extra("pyarrow.parquet", "parquet", "--format parquet needs pyarrow")
    import pyarrow

    return pyarrow


def write_files(contents: Mapping[Path, str]) -> None:
    """Write text files of one folder, which is made where it is missing.

    Raises
    ------
    ResultsError
        If one cannot be written.
    """
    folder = next(iter(contents)).parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole({path: text.encode() for path, text in contents.items()})
    except WriteError as error:
        raise cannot_write(f"write {error.filename}", error) from None
    except OSError as error:
        raise cannot_write(f"make folder {folder}", error) from None


@contextmanager
def growing_file(path: Path) -> Iterator[Path]:
    """Give another name to write a large file under, which becomes the file's own if all goes well.

    Raises
    ------
    ResultsError
        If it cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise cannot_write(f"write {path}", error) from None
    finally:
        with suppress(OSError):  # such as a folder that could not be made
            temporary.unlink(missing_ok=True)


def write_csv(file: TextIO, rows: Iterable[Sequence[Any]]) -> int:
    """Write rows, and give their number; what is not a number is left empty, and yes and no are true and false."""
    writer = csv.writer(file, lineterminator="\n")
    count = 0
    for row in rows:
        writer.writerow(map(_cell, row))
        count += 1
    return count


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None or (isinstance(value, float) and math.isnan(value)) else value


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[Any]], chosen: str) -> None:
    """Write a table that is in memory.

    Raises
    ------
    ResultsError
        If it cannot be written.
    """
    if chosen == "parquet":
        with growing_file(path) as temporary:
            load_pyarrow().parquet.write_table(arrow_table(columns, rows), temporary)
    elif chosen == "csv":
        text = io.StringIO()
        write_csv(text, [columns, *rows])
        write_files({path: text.getvalue()})
    else:
        plain = [[None if _cell(value) == "" else value for value in row] for row in rows]
        write_files({path: json.dumps([dict(zip(columns, row, strict=True)) for row in plain], indent=1) + "\n"})


def arrow_table(columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> Any:
    """Make rows a table of pyarrow, whose times are times."""
    pyarrow = load_pyarrow()
    values = zip(*rows, strict=True) if rows else ([] for _ in columns)
    table = {}
    for name, column in zip(columns, values, strict=True):
        if name in TIMES:
            times = [datetime.fromisoformat(text.replace("Z", "+00:00")) for text in column]
            table[name] = pyarrow.array(times, pyarrow.timestamp("s", tz="UTC"))
        else:  # a flag may be None throughout
            table[name] = pyarrow.array(list(column), pyarrow.bool_() if name in FLAGS else None)
    return pyarrow.table(table)
