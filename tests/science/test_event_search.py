import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

import aurorapt
from aurorapt.errors import OptionError
from aurorapt.results.beside import probabilities_path
from aurorapt.results.classifications import write_results
from aurorapt.results.probabilities import probabilities_text
from aurorapt.science.event_search import EventSearch, methods, search
from aurorapt.science.events import EventRule
from tests.example_results import companion
from tests.science.example_nights import blocks, write_file, write_nights

DARK, PULSATING = "no_aurora", "pulsating"


def spans(found: EventSearch) -> list[tuple[str, str, str, bool, bool]]:
    """Give what is not the same for all events."""
    return [(event.camera, event.start, event.end, event.start_censored, event.end_censored) for event in found.events]


def test_an_event_is_one_row_with_everything(tmp_path: Path) -> None:
    write_nights(
        tmp_path, "gill_themis", blocks("2020-02-18T08:00:00", (60, DARK), (59, PULSATING), (1, DARK), (60, PULSATING))
    )
    found = search([tmp_path], model="majority")
    assert [asdict(event) for event in found.events] == [
        {
            "event_id": "gill_themis_20200218T090000Z_pulsating",
            "site": "gill",
            "camera": "gill_themis",
            "start": "2020-02-18T09:00:00Z",
            "end": "2020-02-18T11:00:00Z",
            "duration_min": 120.0,
            "observed_min": 120.0,
            "frames": 2400,
            "class_name": "pulsating",
            "p_mean": pytest.approx(1 - 0.25 * 15 / 120 - 1 / 120, abs=1e-3),
            "raw_fraction": pytest.approx(119 / 120, abs=1e-4),
            "flicker": pytest.approx(2 / 2399, abs=1e-4),
            "mlt_start": pytest.approx(2.4, abs=0.3),
            "mlt_end": pytest.approx(4.4, abs=0.3),
            "mlat": pytest.approx(65.3, abs=0.2),
            "start_censored": False,
            "end_censored": True,
            "site_validated": False,
            "quality": "doubtful",
            "weights_sha256": "",
            "model_id": "majority-601",
            "network_p_mean": pytest.approx(np.nan, nan_ok=True),
        }
    ]


def test_an_event_goes_on_across_midnight(tmp_path: Path) -> None:
    rows = blocks("2020-02-18T22:00:00", (60, DARK), (120, PULSATING), (60, DARK))
    assert len(write_nights(tmp_path, "gill_themis", rows)) == 2
    assert spans(search([tmp_path], model="majority")) == [
        ("gill_themis", "2020-02-18T23:00:00Z", "2020-02-19T01:00:00Z", False, False)
    ]


def test_two_nights_in_one_file_are_two(tmp_path: Path) -> None:
    morning = blocks("2020-02-18T09:00:00", (60, PULSATING))
    evening = blocks("2020-02-18T23:00:00", (60, PULSATING))
    assert len(write_nights(tmp_path, "gill_themis", morning + evening)) == 1
    assert spans(search([tmp_path], model="majority")) == [
        ("gill_themis", "2020-02-18T09:00:00Z", "2020-02-18T10:00:00Z", True, True),
        ("gill_themis", "2020-02-18T23:00:00Z", "2020-02-19T00:00:00Z", True, True),
    ]


@pytest.mark.parametrize(("gap", "count"), [(2, 1), (3, 2)])
def test_events_are_split_at_gaps_of_more_than_two_minutes(tmp_path: Path, gap: int, count: int) -> None:
    rows = blocks("2020-02-18T06:00:00", (30, DARK), (30, PULSATING), (gap, ""), (30, PULSATING), (30, DARK))
    if gap == 2:
        rows += blocks("2020-02-18T07:00:00", (1, PULSATING))[:1]  # so that 120 s are between two frames, and no more
    write_nights(tmp_path, "gill_themis", rows)
    found = search([tmp_path], model="majority")
    assert len(found.events) == count
    if count == 2:
        assert spans(found) == [
            ("gill_themis", "2020-02-18T06:30:00Z", "2020-02-18T07:00:00Z", False, True),
            ("gill_themis", "2020-02-18T07:03:00Z", "2020-02-18T07:33:00Z", True, False),
        ]


def test_an_empty_night_and_one_of_one_frame(tmp_path: Path) -> None:
    write_file(tmp_path / "20200218_gill_themis_classifications.txt", [])
    write_file(tmp_path / "20200219_gill_themis_classifications.txt", ["20200219,05:00:00,3,pulsating,0.5"])
    assert spans(search([tmp_path], model="majority")) == []
    found = search([tmp_path], model="majority", rule=EventRule(min_duration=0))
    assert spans(found) == [("gill_themis", "2020-02-19T05:00:00Z", "2020-02-19T05:00:03Z", True, True)]
    assert (found.events[0].duration_min, found.events[0].frames, found.events[0].flicker) == (0.05, 1, 0.0)
    assert methods(found, "majority")["hours_observed"] == {"all": 0.001, "gill": 0.001}


def test_two_cameras_of_one_site_have_their_own_events(tmp_path: Path) -> None:
    write_nights(tmp_path, "gill_themis19", blocks("2020-02-18T08:00:00", (30, DARK), (30, PULSATING)))
    write_nights(tmp_path, "gill_themis20", blocks("2020-02-18T08:00:00", (20, DARK), (30, PULSATING), (30, DARK)))
    found = search([tmp_path], model="majority")
    assert spans(found) == [
        ("gill_themis19", "2020-02-18T08:30:00Z", "2020-02-18T09:00:00Z", False, True),
        ("gill_themis20", "2020-02-18T08:20:00Z", "2020-02-18T08:50:00Z", False, False),
    ]
    assert {event.site for event in found.events} == {"gill"}


def test_breaks_are_closed_and_short_events_dropped(tmp_path: Path) -> None:
    parts = ((60, PULSATING), (40, DARK), (60, PULSATING), (60, DARK), (16, PULSATING), (60, DARK))
    write_nights(tmp_path, "gill_themis", blocks("2020-02-18T04:00:00", *parts))
    rules = [EventRule(close=2400, min_duration=960), EventRule(close=2397, min_duration=963)]
    whole, apart = (search([tmp_path], model="majority", rule=rule) for rule in rules)
    assert [event.duration_min for event in whole.events] == [160.0, 16.0]
    assert [event.duration_min for event in apart.events] == [60.0, 60.0]


def test_the_regression_says_which_sites_are_validated(tmp_path: Path) -> None:
    for site in ("fsmi", "rank"):
        write_nights(tmp_path, f"{site}_themis", blocks("2020-02-18T06:00:00", (240, PULSATING)))
    found = search([tmp_path])
    assert [(event.site, event.site_validated, event.quality) for event in found.events] == [
        ("fsmi", True, "good"),
        ("rank", False, "doubtful"),
    ]
    assert any("rank" in note for note in found.notes)
    document = methods(found, "auto")
    model = document["models"][found.events[0].model_id]
    assert len(model["training"]["nights"]) == 34
    assert model["scores"]["leave_one_site_out"]["sure"]["pulsating_f1"] >= 0.65
    json.dumps(document, allow_nan=False)


def test_simulated_weights_validate_nothing(tmp_path: Path) -> None:
    (path,) = write_nights(tmp_path, "fsmi_themis", blocks("2020-02-18T06:00:00", (240, PULSATING)))
    text = path.read_text()
    write_results(path, text, companion(text, weights_kind="simulated", weights_sha256="abc"))
    found = search([tmp_path])
    assert [(event.camera, event.site_validated, event.weights_sha256) for event in found.events] == [
        ("fsmi_themis10", False, "abc")
    ]
    assert any("simulated" in note for note in found.notes)


def test_other_classes_get_the_majority_and_it_is_said(tmp_path: Path) -> None:
    rows = [row.replace("pulsating", "arc") for row in blocks("2020-02-18T06:00:00", (60, PULSATING))]
    write_nights(tmp_path, "fsmi_themis", rows)
    found = search([tmp_path], class_name="arc")
    assert [event.model_id for event in found.events] == ["majority-601"]
    assert any("majority" in note for note in found.notes)
    with pytest.raises(OptionError, match="--model regression knows"):
        search([tmp_path], class_name="arc", model="regression")
    with pytest.raises(OptionError, match="--class 'pulsating' is none of these results; give arc"):
        search([tmp_path])


def test_the_networks_probabilities_are_used_where_they_are(tmp_path: Path) -> None:
    (path,) = write_nights(tmp_path, "fsmi_themis", blocks("2020-02-18T06:00:00", (60, PULSATING)))
    times = aurorapt.read_rows(path)["time"]
    vectors = np.tile(np.array([0.05, 0.05, 0.15, 0.75], np.float32), (len(times), 1))
    names = ("bad_viewing", "no_aurora", "other_aurora", "pulsating")
    probabilities_path(path).write_text(probabilities_text(times, vectors, names))
    found = search([tmp_path], model="majority")
    assert [(event.p_mean, event.network_p_mean) for event in found.events] == [(0.75, 0.75)]
    assert methods(found, "majority")["network_probabilities"]["frames_with_them"] == 1200
    probabilities_path(path).write_text(probabilities_text(times[1:], vectors[1:], names))
    found = search([tmp_path], model="majority")
    assert list(found.problems) == [probabilities_path(path)]
    assert found.events[0].p_mean == 1.0
    probabilities_path(path).write_text(probabilities_text(times, vectors[:, ::-1], names))
    assert list(search([tmp_path], model="majority").problems) == [probabilities_path(path)]
    probabilities_path(path).write_text("nonsense")
    found = search([tmp_path], model="majority")
    assert list(found.problems) == [probabilities_path(path)]
    assert len(found.events) == 1


def test_a_companion_is_believed_only_of_its_own_file(tmp_path: Path) -> None:
    (path,) = write_nights(tmp_path, "fsmi_themis", blocks("2020-02-18T06:00:00", (60, PULSATING)))
    write_results(path, path.read_text(), companion(path.read_text(), weights_sha256="abc"))
    path.write_text(path.read_text().replace("0.75", "0.5"))
    assert [event.weights_sha256 for event in search([tmp_path], model="majority").events] == [""]


def test_a_damaged_file_costs_only_itself_and_is_named(tmp_path: Path) -> None:
    write_nights(tmp_path, "fsmi_themis", blocks("2020-02-18T06:00:00", (60, PULSATING)))
    bad = tmp_path / "20200219_fsmi_themis_classifications.txt"
    bad.write_text("nonsense\n")
    found = search([tmp_path], model="majority", smooth=tmp_path / "smooth")
    assert len(found.events) == 1
    assert list(found.problems) == [bad]
    assert not (tmp_path / "smooth" / bad.name).exists()


def test_smoothed_files_have_the_names_folders_and_rows_of_what_was_read(tmp_path: Path) -> None:
    tree = tmp_path / "results"
    rows = blocks("2020-02-18T22:00:00", (60, DARK), (70, PULSATING), (1, DARK), (49, PULSATING))
    paths = write_nights(tree, "gill_themis", rows)
    paths.append(write_file(tree / "20200301_gill_themis_classifications.txt", []))
    search([tree], model="majority", smooth=tmp_path / "smooth")
    for path in paths:
        smoothed = aurorapt.read_rows(tmp_path / "smooth" / path.relative_to(tree))
        np.testing.assert_array_equal(smoothed["time"], aurorapt.read_rows(path)["time"])
    last = aurorapt.read_rows(tmp_path / "smooth" / paths[1].relative_to(tree))
    assert set(last["prediction_str"]) == {"pulsating"}
    assert last["confidence"].max() == 1.0
    with pytest.raises(OptionError, match="would replace"):
        search([tree], model="majority", smooth=tree)


def test_the_same_camera_night_twice_is_refused(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        write_nights(tmp_path / folder, "gill_themis", blocks("2020-02-18T06:00:00", (1, DARK)))
    with pytest.raises(OptionError, match="are the same camera-night"):
        search([tmp_path])
    assert len(search([tmp_path / "a", tmp_path / "a"]).night_files) == 1
