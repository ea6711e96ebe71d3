"""A summary of results of any number written row by row."""

from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any

from aurorapt.errors import ResultsError
from aurorapt.science.output_files import arrow_table, growing_file, load_pyarrow, write_csv
from aurorapt.science.stretches import Report, find_night_files, stretches
from aurorapt.science.summaries import columns, summary_rows

ROWS_AT_ONCE = 100_000


def write_summary(paths: list[Path], output: Path, chosen: str, per: str, model: str, report: Report) -> int:
    """Sum up results, and write the rows as CSV or Parquet.

    Parameters
    ----------
    paths : classification files, or trees of them
    output : the table
    chosen : csv or parquet
    per, model : as `summary_rows` takes them
    report : called with each file that cannot be used

    Returns
    -------
    how many rows were written

    Raises
    ------
    OptionError
        If an option cannot be used.
    ResultsError
        If no file has a row, a folder cannot be listed, or the table cannot be written.
    """
    rows = summary_rows(stretches(find_night_files(paths), report), per, model)
    first = next(rows, None)
    if first is None:
        raise ResultsError(f"{', '.join(map(str, paths))}: no frames to sum up")
    names = columns(first[0])
    every = (row for _, row in chain([first], rows))
    with growing_file(output) as temporary:
        return _write_csv(temporary, names, every) if chosen == "csv" else _write_parquet(temporary, names, every)


def _write_csv(path: Path, names: list[str], rows: Iterator[list[Any]]) -> int:
    with path.open("w", encoding="utf-8") as file:
        write_csv(file, [names])
        return write_csv(file, rows)


def _write_parquet(path: Path, names: list[str], rows: Iterator[list[Any]]) -> int:
    pyarrow = load_pyarrow()
    count, schema, writer = 0, None, None
    try:
        while part := list(islice(rows, ROWS_AT_ONCE)):
            table = arrow_table(names, part)
            schema = schema or table.schema
            writer = writer or pyarrow.parquet.ParquetWriter(path, schema)
            writer.write_table(table.cast(schema))
            count += len(part)
    finally:
        if writer is not None:
            writer.close()
    return count
