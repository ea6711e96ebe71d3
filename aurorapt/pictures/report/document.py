"""All camera-nights as the page's data: columns of numbers, and each text once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aurorapt import __version__
from aurorapt.pictures.colours import class_colours
from aurorapt.pictures.report.collect import RULE
from aurorapt.pictures.report.packing import pack_json
from aurorapt.pictures.report.records import NightRecord
from aurorapt.science.event_search import COLUMNS, SIMULATED
from aurorapt.science.smoothing import Majority
from aurorapt.themis import CLASSES
from aurorapt.themis_sites import SITES

WEIGHTS_COLUMN, MODEL_COLUMN = 11, 12  # of `event_values`


class Texts:
    """Texts that occur many times: each gets a number."""

    def __init__(self) -> None:
        self.numbers: dict[Any, int] = {}

    def number(self, text: Any) -> int:
        """Give the number of a text, or of a tuple of such."""
        return self.numbers.setdefault(text, len(self.numbers))

    @property
    def all(self) -> list[Any]:
        """The texts in the order of their numbers."""
        return list(self.numbers)


@dataclass
class PageData:
    """What the template lays into the page.

    ``index`` : everything about nights that is shown at once
    ``events`` : packed columns
    ``minutes`` : of each night, packed
    """

    index: dict[str, Any]
    events: str
    minutes: list[str]


def page_data(records: Sequence[NightRecord], name: str, created: datetime) -> PageData:
    """Bring camera-nights into the columns that the page reads.

    Parameters
    ----------
    records : in the order in which the page is to have them
    name : of the tree
    created : local time
    """
    texts = {kind: Texts() for kind in ("sites", "cameras", "class_sets", "weights", "makers", "models")}
    nights = _nights(records, texts)
    events = _events(records, texts)
    classes = list(dict.fromkeys([*CLASSES, *(name for record in records for name in record.classes)]))
    index = {
        "name": name,
        "created": created.isoformat(" ", "seconds"),
        "version": __version__,
        "classes": classes,
        "colours": class_colours(classes),
        "event_columns": COLUMNS,
        "rule": {"close": RULE.close, "min_duration": RULE.min_duration, "longest_gap": RULE.longest_gap},
        "site_facts": {site: _site_facts(site) for site in texts["sites"].all if site in SITES},
        "simulated_kind": SIMULATED,
        "majority_model": Majority.model_id,
        "nights": nights,
        "faults": [[number, *fault] for number, record in enumerate(records) for fault in record.faults],
    }
    index |= {kind: numbered.all for kind, numbered in texts.items()}
    return PageData(index, events, [record.minutes_packed for record in records])


def _site_facts(site: str) -> list[Any]:
    return [SITES[site].name, SITES[site].magnetic_latitudes[-1]]


def _nights(records: Iterable[NightRecord], texts: dict[str, Texts]) -> dict[str, list[Any]]:
    rows = [
        {
            "name": record.key[0],
            "camera": texts["cameras"].number(record.key[1]),
            "site": texts["sites"].number(record.site),
            "day": record.day,
            "class_set": texts["class_sets"].number(record.classes),
            "frames": record.frames,
            "counts": record.counts,
            "minutes": record.minutes,
            "first": record.first,
            "last": record.last,
            "confidence": record.confidence,
            "weights": texts["weights"].number(record.weights),
            "maker": texts["makers"].number(record.made_by),
            "model": texts["models"].number(record.model_id),
            "problems": record.problems,
        }
        for record in records
    ]
    names = rows[0] if rows else ()
    return {name: [row[name] for row in rows] for name in names}


def _events(records: Iterable[NightRecord], texts: dict[str, Texts]) -> str:
    hashes = Texts()
    rows = []
    for number, record in enumerate(records):
        for values in sorted(record.events, key=lambda values: (values[1], values[0])):
            row = [number, *values]
            row[1 + WEIGHTS_COLUMN] = hashes.number(values[WEIGHTS_COLUMN])
            row[1 + MODEL_COLUMN] = texts["models"].number(values[MODEL_COLUMN])
            rows.append(row)
    return pack_json({"columns": list(zip(*rows, strict=True)), "hashes": hashes.all})
