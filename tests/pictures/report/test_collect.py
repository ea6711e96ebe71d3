"""What the page holds must be what the other commands say, and only what has changed may be read again."""

import csv
from collections import defaultdict
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from aurorapt.pictures.report.collect import Known, collect
from aurorapt.pictures.report.document import page_data
from aurorapt.pictures.report.records import NightRecord
from aurorapt.results.beside import probabilities_path
from aurorapt.science.event_search import search
from aurorapt.science.stretches import find_night_files
from aurorapt.science.summary_files import write_summary
from aurorapt.themis import CLASSES
from tests.pictures.report.example_tree import EVENING, write_tree
from tests.science.example_nights import blocks, write_file

LATE = ((70, "no_aurora"), (120, "pulsating"), (50, "bad_viewing"))


def collected(tree: Path, before: dict[tuple[str, str], Known] | None = None) -> tuple[list[Known], list[str]]:
    """Give all camera-nights, and the names of those that were summed up anew."""
    found = list(collect(find_night_files([tree]), before or {}))
    return [known for known, _ in found], [" ".join(known.record.key) for known, anew in found if anew]


def by_key(found: list[Known]) -> dict[tuple[str, str], Known]:
    return {known.record.key: known for known in found}


def records(tree: Path) -> list[NightRecord]:
    return [known.record for known in collected(tree)[0]]


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Two nights across midnight at gill, one at fsmi, and a file without rows."""
    tree = tmp_path / "in"
    write_tree(tree, "gill_themis19", "2020-02-18T22:10:00", *LATE)
    write_tree(tree, "gill_themis19", "2020-02-20T22:30:00", *LATE, weights_sha256="other")
    write_tree(tree, "fsmi_themis10", "2020-02-18T06:00:00", *EVENING)
    write_file(tree / "20200225_snkq_themis_classifications.txt", [])
    return tree


@pytest.mark.parametrize("class_name", CLASSES)
def test_events_are_those_of_the_command(tree: Path, class_name: str) -> None:
    wanted = [
        (
            *(event.camera, event.class_name, event.start, round(event.duration_min * 60), event.frames),
            *(event.p_mean, event.raw_fraction, event.flicker, event.mlt_start, event.mlt_end, event.mlat),
            (event.start_censored, event.end_censored, event.site_validated, event.quality == "good"),
            *(event.weights_sha256, event.model_id),
        )
        for event in search([tree], class_name).events
    ]
    found = []
    for record in records(tree):
        for (
            number,
            start,
            seconds,
            frames,
            *fractions,
            mlt_start,
            mlt_end,
            mlat,
            flags,
            sha256,
            model,
            network,
        ) in record.events:
            assert network is None
            if record.classes[number] == class_name:
                place = (mlt_start / 100, mlt_end / 100, mlat / 10)
                values = (
                    *(value / 10_000 for value in fractions),
                    *place,
                    tuple(bool(flags & bit) for bit in (1, 2, 4, 8)),
                )
                begin = f"{np.datetime64(start, 's')}Z"
                found.append((record.key[1], class_name, begin, seconds, frames, *values, sha256, model))
    assert sorted(found) == sorted(wanted)
    assert class_name not in ("pulsating", "no_aurora") or len(found) >= 2


def test_frames_minutes_and_classes_are_those_of_the_summary(tree: Path, tmp_path: Path) -> None:
    write_summary([tree], tmp_path / "hours.csv", "csv", "minute", "auto", lambda *problem: None)
    minutes: dict[tuple[str, str], float] = defaultdict(float)
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0] * 4)
    with (tmp_path / "hours.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            key = (row["period_start"][:10].replace("-", ""), row["camera"])
            minutes[key] += float(row["expected_pulsating_min"] or 0)
            counts[key] = [count + int(row[f"n_{name}"]) for count, name in zip(counts[key], CLASSES, strict=True)]
    seen = {record.key: record for record in records(tree) if record.frames}
    assert seen.keys() == counts.keys()
    for key, record in seen.items():
        assert list(record.counts) == counts[key]
        assert record.frames == sum(counts[key])
        assert record.minutes[3] == pytest.approx(minutes[key], abs=0.1)
        assert sum(record.minutes) == pytest.approx(record.frames / 20, abs=0.01)


def test_nothing_is_read_again_where_nothing_has_changed(tree: Path) -> None:
    found, anew = collected(tree)
    assert len(anew) == len(found) == 6
    again, anew = collected(tree, by_key(found))
    assert anew == []
    assert [known.record for known in again] == [known.record for known in found]


def test_what_is_new_is_read_with_the_neighbours_that_it_bears_on(tree: Path) -> None:
    before = by_key(collected(tree)[0])
    write_tree(tree, "gill_themis19", "2020-02-22T06:00:00", *EVENING)
    found, anew = collected(tree, before)
    assert anew == ["20200220 gill_themis19", "20200221 gill_themis19", "20200222 gill_themis19"]
    assert [known.record for known in found] == records(tree)


@pytest.mark.parametrize("changed", ["csv", "companion", "probabilities", "removed"])
def test_whatever_changes_beside_a_night_it_and_its_other_half_are_read_again(tree: Path, changed: str) -> None:
    before = by_key(collected(tree)[0])
    path = tree / "2020/02/19/20200219_gill_themis_classifications.txt"
    if changed == "csv":
        write_file(path, blocks("2020-02-19T00:00:00", (120, "other_aurora")))
    elif changed == "companion":
        path.with_suffix(".json").unlink()
    elif changed == "probabilities":
        probabilities_path(path).write_text("nonsense\n")
    else:
        path.unlink()
        path.with_suffix(".json").unlink()
    found, anew = collected(tree, before)
    assert "20200218 gill_themis19" in anew
    assert "20200218 fsmi_themis10" not in anew
    assert [known.record for known in found] == records(tree)


def test_a_file_that_could_not_be_used_is_told_and_tried_again(tree: Path) -> None:
    path = tree / "20200225_snkq_themis_classifications.txt"
    path.write_text("nonsense\n")
    found, _ = collected(tree)
    (fault,) = next(known.record.faults for known in found if known.record.site == "snkq")
    assert fault[0] == path.name
    assert "expected date,time" in fault[1]
    assert collected(tree, by_key(found))[1] == ["20200225 snkq_themis"]


def test_frames_of_another_date_are_counted_and_not_drawn(tmp_path: Path) -> None:
    rows = blocks("2020-02-18T23:00:00", (30, "pulsating")) + blocks("1970-01-01T00:00:00", (1, "pulsating"))
    write_file(tmp_path / "20200218_gill_themis_classifications.txt", rows)
    (record,) = records(tmp_path)
    assert (record.day, record.frames) == ("2020-02-18", 620)
    assert len(record.minutes_packed) < 1000


def test_files_of_any_name_and_of_other_networks_are_there(tmp_path: Path) -> None:
    rows = [row.replace("pulsating", "arc") for row in blocks("2020-02-18T06:00:00", (60, "pulsating"))]
    write_file(tmp_path / "mine_classifications.txt", rows)
    (record,) = records(tmp_path)
    assert (record.site, record.day, record.classes) == ("unknown", "2020-02-18", ("arc",))
    assert record.minutes == (60.0,)
    assert page_data([record], "mine", datetime(2020, 1, 1)).index["classes"][-1] == "arc"
