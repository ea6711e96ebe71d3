"""The whole softmax vector of every row of a classification file, in a CSV beside it."""

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aurorapt.errors import ResultsError
from aurorapt.machine.plain_files import read_plain
from aurorapt.results.classifications import LARGEST_CSV
from aurorapt.results.row_times import parse_times

PREFIX = "p_"  # of the columns, before the class


def probabilities_text(
    times: NDArray[np.datetime64], probabilities: NDArray[np.float32], classes: Sequence[str]
) -> str:
    """Render probabilities: columns date, time and one for each class.

    Parameters
    ----------
    times : (n,) datetime64[s], UTC
    probabilities : (n, classes) float32 [row, class], 0 to 1; written as the shortest decimals that give them back
    classes : class names in the order of their numbers
    """
    lines = [",".join(["date", "time", *(PREFIX + name for name in classes)])]
    for time, row in zip(times.tolist(), probabilities.astype(np.float32), strict=True):
        lines.append(f"{time:%Y%m%d,%H:%M:%S}," + ",".join(map(str, row)))
    return "\n".join(lines) + "\n"


def read_probabilities(path: str | os.PathLike[str]) -> tuple[NDArray[np.datetime64], NDArray[np.float32], list[str]]:
    """Read a file of probabilities.

    Returns
    -------
    (n,) datetime64[s] UTC, (n, classes) float32 [row, class] 0 to 1, and the class names

    Raises
    ------
    ResultsError
        If it cannot be read or is no file of probabilities.
    """
    try:
        header, *lines = read_plain(Path(path), LARGEST_CSV).decode("ascii").splitlines()
        date, time, *columns = header.split(",")
        if (date, time) != ("date", "time") or not columns or not all(name.startswith(PREFIX) for name in columns):
            raise ValueError
        fields = np.dtype([("date", "S8"), ("time", "S8"), ("p", np.float32, (len(columns),))])
        table = np.loadtxt(lines, dtype=fields, delimiter=",", comments=None, ndmin=1) if lines else np.empty(0, fields)
        times = parse_times(table["date"], table["time"])
        probabilities = table["p"].reshape(len(lines), len(columns))
        if not ((probabilities >= 0) & (probabilities <= 1)).all():
            raise ValueError
    except OSError as error:
        raise ResultsError(f"cannot read {path}: {error.strerror}") from None
    except ValueError:
        raise ResultsError(f"{path} is not a file of probabilities: expected columns date,time,p_CLASS,...") from None
    return times, probabilities, [name.removeprefix(PREFIX) for name in columns]
