"""Classification files as tables of pandas."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from aurorapt.errors import ResultsError
from aurorapt.machine.extras import load_extra
from aurorapt.science.stretches import NightFile, Stretch, find_night_files, stretches

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("site", "camera", "time", "class", "confidence", "file")


def read_classifications(path: str | os.PathLike[str]) -> "pd.DataFrame":
    """Read a classification file, or all below a folder, into one table.

    Parameters
    ----------
    path : a file, or a tree of results of this program or of the original one; their rows may be in any order, and
        header rows may be missing

    Returns
    -------
    pandas.DataFrame
        One row a frame, by camera and time, one a second: ``site``, ``camera`` (its folder where a companion tells it,
        else SITE_themis), ``time`` (UTC), ``class`` (categorical), ``confidence`` (float32, 0 to 1), ``file``.

    Raises
    ------
    ResultsError
        If a file cannot be read or a line is not a classification.
    OptionError
        If there are no results, or pandas is not installed.

    Examples
    --------
    >>> frames = aurorapt.read_classifications("results")
    >>> frames[frames["class"] == "pulsating"].groupby("site").size()
    """
    pandas = load_pandas()
    tables = list(iter_classifications(path))
    if not tables:
        return _table(None)
    classes = list(dict.fromkeys(name for table in tables for name in table["class"].cat.categories))
    for table in tables:
        table["class"] = table["class"].cat.set_categories(classes)
    whole = pandas.concat(tables, ignore_index=True)
    return whole.sort_values(["camera", "time"], kind="stable", ignore_index=True)


def iter_classifications(tree: str | os.PathLike[str]) -> "Iterator[pd.DataFrame]":
    """Read a tree of any size, one camera-night at a time.

    Parameters
    ----------
    tree : as `read_classifications` takes it

    Yields
    ------
    pandas.DataFrame
        As `read_classifications` gives it, of one file; files without rows give an empty table.

    Raises
    ------
    ResultsError
        If a file cannot be read or a line is not a classification.
    OptionError
        If there are no results, or pandas is not installed.
    """
    load_pandas()
    for night_file in find_night_files([Path(tree)]):
        yield _night_table(night_file)


def _night_table(night_file: NightFile) -> "pd.DataFrame":
    tables = [_table(stretch) for stretch in stretches([night_file], _refuse)]
    return load_pandas().concat(tables, ignore_index=True) if tables else _table(None)


def _refuse(path: Path, reason: str) -> None:
    raise ResultsError(reason)


def _table(stretch: Stretch | None) -> "pd.DataFrame":
    pandas = load_pandas()
    if stretch is None:
        kinds = {"time": "datetime64[s]", "class": "category", "confidence": np.float32}
        return pandas.DataFrame({name: pandas.Series(dtype=kinds.get(name, "str")) for name in COLUMNS})
    return pandas.DataFrame(
        {
            "site": stretch.site,
            "camera": stretch.camera,
            "time": stretch.times,
            "class": pandas.Categorical.from_codes(stretch.labels, categories=list(stretch.classes)),
            "confidence": stretch.confidences,
            "file": str(stretch.night_files[0].result.csv_file),
        }
    )


def load_pandas() -> Any:
    """Load pandas, which the extra ``science`` brings.

    Raises
    ------
    OptionError
        If it is not installed.
    """
    return load_extra("pandas", "science", "tables need pandas (read_rows does not)")
