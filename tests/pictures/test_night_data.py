"""A night's result as pictures show it."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aurorapt.errors import OptionError, ResultsError
from aurorapt.pictures.night_data import Night, event_times, read_nights, read_one_night
from aurorapt.results.companion import companion_path
from aurorapt.science.events import EventRule
from aurorapt.science.smoothing import shipped_regression
from aurorapt.science.stretches import find_night_files, stretches
from tests.example_results import companion
from tests.science.example_nights import blocks, write_file, write_nights


def refuse(path: Path, reason: str) -> None:
    pytest.fail(f"{path}: {reason}")


def one_night(path: Path, **options: Any) -> Night:
    return read_one_night(path, refuse, **options)


def write_companion(path: Path, **changes: Any) -> None:
    companion_path(path).write_text(json.dumps(asdict(companion(path.read_text(), **changes))))


def test_a_night_has_labels_smoothed_probabilities_and_events(tmp_path: Path) -> None:
    rows = blocks("2020-02-18T06:00:00", (90, "no_aurora"), (90, "pulsating"), (60, "no_aurora"))
    (path,) = write_nights(tmp_path, "fsmi_themis", rows)
    night = one_night(path)
    assert (str(night.date), night.site, night.camera) == ("2020-02-18", "fsmi", "fsmi_themis")
    assert len(night.times) == len(night.labels) == len(night.confidences) == len(night.probabilities) == 4800
    (stretch,) = stretches(find_night_files([path]), refuse)
    assert np.array_equal(night.probabilities, shipped_regression()(stretch))
    assert night.class_probability is not None and night.class_probability[2700] > 0.5
    assert night.classes[night.smoothed_labels[2700]] == "pulsating"
    (event,) = night.events
    start, end = event_times(event)
    assert start < np.datetime64("2020-02-18T08:15") < end
    assert night.made_with == "weights unknown: no companion of this file"


@pytest.mark.parametrize("in_tree", [True, False])
def test_smoothing_reaches_over_midnight_into_the_neighbours(tmp_path: Path, in_tree: bool) -> None:
    rows = blocks("2020-02-17T23:00:00", (60, "pulsating"), (20, "pulsating"), (100, "no_aurora"))
    paths = write_nights(tmp_path / "tree", "fsmi_themis", rows)
    if not in_tree:
        paths = [path.rename(tmp_path / path.name) for path in paths]
    both = {str(night.date): night for night in read_nights(find_night_files([tmp_path]), refuse)}
    alone = one_night(write_file(tmp_path / "alone" / paths[1].name, rows[1200:]))
    night = one_night(paths[1])
    assert np.array_equal(night.probabilities, both["2020-02-18"].probabilities)
    assert np.abs(night.probabilities[:400] - alone.probabilities[:400]).max() > 0.1
    (event,) = night.events
    assert event.start.startswith("2020-02-17T23:00"), "the event began on the date before"
    assert [other.event_id for other in one_night(paths[0]).events] == [event.event_id]


def test_only_neighbours_of_the_same_camera_count(tmp_path: Path) -> None:
    rows = blocks("2020-02-17T23:00:00", (60, "pulsating"), (60, "no_aurora"))
    before, own = write_nights(tmp_path, "fsmi_themis", rows)
    write_companion(own, camera_night="20200218 fsmi_themis10")
    write_companion(before, camera_night="20200217 fsmi_themis11")
    assert one_night(own).events == ()
    write_companion(before, camera_night="20200217 fsmi_themis10")
    assert len(one_night(own).events) == 1


def test_gaps_are_told_to_the_second(tmp_path: Path) -> None:
    rows = blocks("2020-02-18T06:00:00", (10, "pulsating"), (1, ""), (10, "pulsating"))
    del rows[100:104]  # four frames: no gap
    del rows[300:305]  # five are one
    (path,) = write_nights(tmp_path, "fsmi_themis", rows)
    found = one_night(path).gaps.astype(str).tolist()
    assert found[0] == ["2020-02-18T06:10:00", "2020-02-18T06:11:00"]
    assert np.diff(one_night(path).gaps[1]) == np.timedelta64(15, "s")
    assert len(found) == 2


def test_the_companion_tells_problems_weights_and_version_of_its_own_file_only(tmp_path: Path) -> None:
    (path,) = write_nights(tmp_path, "fsmi_themis", blocks("2020-02-18T06:00:00", (10, "pulsating")))
    names = (
        "20200218_0603_fsmi_themis10_full.pgm.gz",
        "20200218_0602_fsmi_themis10_full.pgm",
        "strange",
        "20209999_9999",
    )
    problems = [{"file": f"/data/{name}", "reason": "damaged", "may_pass": False, "count": 1} for name in names]
    kind = {"weights_name": "w1", "weights_kind": "simulated", "weights_sha256": "0123456789abcdef"}
    write_companion(path, problems=problems, **kind)
    night = one_night(path)
    assert night.simulated
    assert night.made_with == "weights w1 (simulated, 01234567), aurorapt 1"
    assert night.problem_minutes.astype(str).tolist() == ["2020-02-18T06:02", "2020-02-18T06:03"]
    assert len(night.problems) == 4
    path.write_text(path.read_text() + "\n")
    night = one_night(path)
    assert (night.companion, night.problems, night.simulated) == (None, [], False)


def test_a_night_without_frames_is_a_night(tmp_path: Path) -> None:
    path = write_file(tmp_path / "20200218_fsmi_themis_classifications.txt", [])
    write_companion(path, classes=["a", "b"])
    night = one_night(path)
    assert (len(night.times), night.classes, night.events) == (0, ("a", "b"), ())
    assert night.probabilities.shape == (0, 2)
    assert night.class_probability is None


def test_other_classes_and_unknown_names(tmp_path: Path) -> None:
    path = write_file(tmp_path / "mine.txt", ["20200218,06:00:00,0,arc,0.5", "20200218,06:00:03,1,diffuse,0.5"])
    night = one_night(path, class_name="arc", rule=EventRule(min_duration=3))
    assert (night.date, night.site, night.classes, night.model_id) == (
        None,
        "unknown",
        ("arc", "diffuse"),
        "majority-601",
    )
    assert one_night(path).class_probability is None


def test_what_cannot_be_read_is_an_error_for_one_and_reported_among_many(tmp_path: Path) -> None:
    good, bad = write_nights(tmp_path, "fsmi_themis", blocks("2020-02-17T23:30:00", (60, "pulsating")))
    bad.write_text("nonsense\n")
    with pytest.raises(ResultsError, match="line 1"):
        one_night(bad)
    with pytest.raises(OptionError, match="is not there"):
        one_night(tmp_path / "nowhere.txt")
    told: list[Path] = []
    assert len(read_one_night(good, lambda path, reason: told.append(path)).times) == 600
    assert told == [bad]
    assert len(list(read_nights(find_night_files([tmp_path]), lambda path, reason: told.append(path)))) == 1
