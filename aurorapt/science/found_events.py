"""Events for those who work in Python: found, shown and put in a table."""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aurorapt.errors import counted
from aurorapt.machine.html_table import html_table
from aurorapt.science.event_search import COLUMNS, EventSearch, methods, search
from aurorapt.science.events import Event, EventRule
from aurorapt.science.table import load_pandas

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 20  # events in a notebook's output
SHOWN_COLUMNS = ("camera", "start", "end", "duration_min", "p_mean", "mlt_start", "quality")


class Events:
    """Events of a class in some results, in the order of cameras and times.

    It has a length and can be iterated: each is an `aurorapt.science.events.Event`.

    Attributes
    ----------
    class_name : whose events these are
    methods : what a methods section needs: weights, model, training nights, scores, rules, and the hours observed
    notes : what a reader has to know of these events
    problems : files that could not be used, and why
    """

    def __init__(self, found: EventSearch, model: str) -> None:
        self._found = found
        self.class_name = found.class_name
        self.methods: dict[str, Any] = methods(found, model)
        self.notes = list(found.notes)
        self.problems = {str(path): reason for path, reason in found.problems.items()}

    def __len__(self) -> int:
        return len(self._found.events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._found.events)

    def __repr__(self) -> str:
        return f"Events({self._summary()})"

    def to_pandas(self) -> "pd.DataFrame":
        """Give a table of pandas: a row an event, the columns of ``aurorapt events``, times in UTC.

        Raises
        ------
        OptionError
            If pandas is not installed.
        """
        pandas = load_pandas()
        table = pandas.DataFrame(self._found.rows, columns=list(COLUMNS))
        for name in ("start", "end"):
            table[name] = pandas.to_datetime(table[name], utc=True)
        return table

    def _summary(self) -> str:
        good = sum(event.quality == "good" for event in self)
        hours = self.methods["hours_observed"]["all"]
        return f"{counted(len(self), 'event')} of {self.class_name}, {good} of good quality, in {hours} hours observed"

    def _repr_html_(self) -> str:
        rows = [[getattr(event, name) for name in SHOWN_COLUMNS] for event in self._found.events[:SHOWN]]
        notes = [f"and {len(self) - SHOWN} more: see to_pandas()"] if len(self) > SHOWN else []
        notes += [*self.notes, *(f"not used: {path}: {reason}" for path, reason in self.problems.items())]
        return html_table(self._summary(), rows, SHOWN_COLUMNS, notes)


def find_events(
    paths: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
    class_name: str = "pulsating",
    model: str = "auto",
    close: int = EventRule.close,
    min_duration: int = EventRule.min_duration,
) -> Events:
    """Find events: labels smoothed, joined across midnight, split at data gaps over 2 minutes.

    Parameters
    ----------
    paths : a classification file or a tree of them, or several
    class_name : whose events
    model : "regression", fitted on human labels; "majority" of 601 frames; "auto" for the regression where the classes
        are the published network's, else the majority
    close : longest break within an event, seconds
    min_duration : shortest event, seconds

    Raises
    ------
    OptionError
        If there are no results, nothing has such a class, or there is no such model.
    ResultsError
        If a folder cannot be listed; a file that cannot be used is one of the ``problems``.

    Examples
    --------
    >>> events = aurorapt.find_events("results")
    >>> table = events.to_pandas()
    >>> table[table["quality"] == "good"].groupby("site")["duration_min"].sum()
    """
    given = [paths] if isinstance(paths, (str, os.PathLike)) else paths
    found = search([Path(path) for path in given], class_name, model, EventRule(close, min_duration))
    return Events(found, model)
