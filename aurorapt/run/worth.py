"""What results are worth: nothing that stands is replaced by something that is worth less, unless the user says so."""

from collections.abc import Iterator
from dataclasses import replace

from aurorapt.archive.camera_nights import CameraNight
from aurorapt.errors import ResultsError, WorseResultsError
from aurorapt.results import classifications
from aurorapt.results.tree import Result
from aurorapt.run.options import RunOptions


def refuse_simulated_weights(options: RunOptions, night: CameraNight) -> None:
    """Keep what real weights made, or may have made, from being replaced by simulated ones for want of an option.

    Raises
    ------
    WorseResultsError
        Naming both weights and the options.
    """
    if options.weights.kind != "simulated" or options.overwrite:
        return
    for result in _standing(options, night):
        companion = result.companion
        if companion is not None and companion.weights_kind == "simulated":
            continue
        made = f"the {companion.weights_kind} weights {companion.weights_name}" if companion else "unknown weights"
        raise WorseResultsError(
            f"the result was made with {made}, and the simulated weights {options.weights.name} do not replace it: "
            "name the weights with --weights, or give --overwrite"
        )


def refuse_fewer_rows(options: RunOptions, night: CameraNight, rows: int, unread: str) -> None:
    """Keep a result that has more rows than what could be read now.

    Parameters
    ----------
    rows : of the result that would replace it
    unread : what could not be read now, in words

    Raises
    ------
    WorseResultsError
        If there is such a result.
    """
    for result in _standing(options, night):
        try:
            rows_there = result.companion.rows if result.companion and result.is_whole() else 0
        except ResultsError:
            continue
        if rows_there > rows:
            raise WorseResultsError(f"{unread}; the result that is there has more rows, and stays")


def _standing(options: RunOptions, night: CameraNight) -> Iterator[Result]:
    """Yield what a result of this camera-night would replace: the one of its name, and its own of the other name."""
    own = Result(classifications.csv_path(options.output, night))
    if own.is_there():
        yield own
    other_name = replace(night, shares_site=not night.shares_site)
    other = Result(classifications.csv_path(options.output, other_name))
    if other.csv_file == own.csv_file or not other.is_there():
        return
    if other.companion is None or other.companion.camera_night == str(night):
        yield other
