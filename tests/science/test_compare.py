from pathlib import Path
from typing import Any

import numpy as np
import pytest

from aurorapt.errors import OptionError, ResultsError
from aurorapt.results.beside import probabilities_path
from aurorapt.results.probabilities import probabilities_text
from aurorapt.science.compare import compare
from aurorapt.science.comparison_numbers import summarise
from tests.science.example_nights import blocks, write_file, write_nights

ROWS = blocks("2020-02-18T06:00:00", (60, "no_aurora"), (60, "pulsating"), (60, "other_aurora"))
INTERVALS = """\
date,site,start,end,human_label,class,confidence,comment
20200218,gill,2020-02-18 06:00:00,2020-02-18 06:59:57,cs,no_aurora,sure,
20200218,gill,2020-02-18 07:00:00,2020-02-18 07:29:57,pa,pulsating,sure,
20200218,gill,2020-02-18 07:30:00,2020-02-18 08:29:57,dis-sub,other_aurora,doubtful,not sure
"""


def compared(tmp_path: Path, changed: list[str], name: str = "b.txt") -> dict[str, Any]:
    """Compare the rows with changed ones."""
    return summarise(compare(write_file(tmp_path / "a.txt", ROWS), write_file(tmp_path / name, changed)))


def rows_of(numbers: dict[str, Any]) -> tuple[int, int, int]:
    names = ("rows_in_common", "rows_only_in_reference", "rows_only_in_judged")
    return tuple(numbers[name] for name in names)  # type: ignore[return-value]


def test_a_file_agrees_with_itself(tmp_path: Path) -> None:
    numbers = compared(tmp_path, ROWS)
    assert (numbers["agreement"], numbers["reproduced"], rows_of(numbers)) == (1.0, 1.0, (3600, 0, 0))
    assert numbers["confidence_difference"] == {"largest": 0.0, "percentile_99": 0.0}
    assert numbers["classes"]["pulsating"]["f1"] == 1.0
    assert np.trace(numbers["confusion"]) == 3600
    assert numbers["events"]["iou_0.5"]["f1"] == 1.0
    assert numbers["events"]["iou_0.5"]["onset_error_min"] == [0.0, 0.0, 0.0]


def test_shuffled_rows_make_no_difference(tmp_path: Path) -> None:
    shuffled = [ROWS[place] for place in np.random.default_rng(0).permutation(len(ROWS))]
    numbers = compared(tmp_path, shuffled)
    assert (numbers["agreement"], rows_of(numbers)) == (1.0, (3600, 0, 0))


def test_removed_rows_are_only_in_one(tmp_path: Path) -> None:
    numbers = compared(tmp_path, ROWS[600:])
    assert (numbers["agreement"], rows_of(numbers)) == (1.0, (3000, 600, 0))
    assert numbers["reproduced"] == pytest.approx(3000 / 3600)


def test_relabelled_rows_are_counted_by_class(tmp_path: Path) -> None:
    relabelled = [row.replace("3,pulsating,0.75", "2,other_aurora,0.5") for row in ROWS[:1500]] + ROWS[1500:]
    numbers = compared(tmp_path, relabelled)
    assert numbers["agreement"] == pytest.approx(3300 / 3600)
    assert numbers["confusion"] == [[0, 0, 0, 0], [0, 1200, 0, 0], [0, 0, 1200, 0], [0, 0, 300, 900]]
    pulsating = numbers["classes"]["pulsating"]
    assert (pulsating["precision"], pulsating["recall"]) == (1.0, 0.75)
    assert pulsating["f1"] == pytest.approx(6 / 7)
    assert numbers["confidence_difference"]["largest"] == 0.25
    assert numbers["events"]["iou_0.5"]["onset_error_min"] == [15.0, 15.0, 15.0]
    assert numbers["events"]["occupancy_bias_min_a_night"] == -15.0


@pytest.mark.parametrize("shift", [-1, 1, 2])
def test_times_that_are_off_are_said_to_be(tmp_path: Path, shift: int) -> None:
    shifted = blocks(f"2020-02-18T06:00:{shift:02d}" if shift > 0 else "2020-02-18T05:59:59", (180, "pulsating"))
    numbers = compared(tmp_path, shifted)
    assert (numbers["agreement"], rows_of(numbers)) == (None, (0, 3600, 3600))
    assert numbers["nights"][0]["shift_s"] == shift


def test_trees_are_paired_by_date_and_site(tmp_path: Path) -> None:
    write_nights(tmp_path / "a", "gill_themis", ROWS)
    write_nights(tmp_path / "a", "rank_themis", ROWS)
    write_nights(tmp_path / "b", "gill_themis19", ROWS[:1200])
    write_nights(tmp_path / "b", "fsmi_themis10", ROWS)
    numbers = summarise(compare(tmp_path / "a", tmp_path / "b"))
    assert [(row["site"], row["rows_in_common"]) for row in numbers["nights"]] == [("gill", 1200)]
    assert numbers["camera_nights_only_in_reference"] == ["20200218 rank_themis"]
    assert numbers["camera_nights_only_in_judged"] == ["20200218 fsmi_themis10"]


def test_of_two_cameras_each_is_paired_with_its_own(tmp_path: Path) -> None:
    for side in ("a", "b"):
        write_nights(tmp_path / side, "gill_themis19", ROWS[:1200])
        write_nights(tmp_path / side, "gill_themis20", ROWS[1200:])
    numbers = summarise(compare(tmp_path / "a", tmp_path / "b"))
    assert [(row["camera"], row["agreement"]) for row in numbers["nights"]] == [
        ("gill_themis19", 1.0),
        ("gill_themis20", 1.0),
    ]


@pytest.mark.parametrize("human_first", [True, False])
def test_a_human_is_the_reference_on_either_side(tmp_path: Path, human_first: bool) -> None:
    (results,) = write_nights(tmp_path, "gill_themis", ROWS)
    human = tmp_path / "human.csv"
    human.write_text(INTERVALS)
    numbers = summarise(compare(*((human, results) if human_first else (results, human))))
    assert numbers["reference_is_human"]
    assert rows_of(numbers) == (3000, 0, 600)  # the last half hour has no human label
    pulsating = numbers["classes"]["pulsating"]
    assert (pulsating["precision"], pulsating["recall"], pulsating["frames"]) == (0.5, 1.0, 600)
    assert numbers["events"]["reference_min"] == 30.0


def test_doubtful_frames_can_be_left_out(tmp_path: Path) -> None:
    (results,) = write_nights(tmp_path, "gill_themis", ROWS)
    human = tmp_path / "human.csv"
    human.write_text(INTERVALS)
    numbers = summarise(compare(human, results, ignore_doubtful=True))
    assert (numbers["rows_in_common"], numbers["doubtful_rows_left_out"]) == (1800, 1200)
    assert numbers["agreement"] == 1.0


def test_the_brier_score_is_of_whole_vectors_where_they_are(tmp_path: Path) -> None:
    numbers = compared(tmp_path, ROWS)
    expected = (1200 * 0.25**2 + 2400 * (0.25 / 3) ** 2) / 3600
    assert numbers["brier"]["score"] == pytest.approx(expected)
    assert numbers["brier"]["from"] == "confidences"
    path = tmp_path / "b.txt"
    times = np.arange(3600) * np.timedelta64(3, "s") + np.datetime64("2020-02-18T06:00:00", "s")
    vectors = np.full((3600, 4), 0.0625, np.float32)
    vectors[np.arange(3600), np.repeat([1, 3, 2], 1200)] = 0.75
    vectors[:1200, 3] = 0.25
    names = ("bad_viewing", "no_aurora", "other_aurora", "pulsating")
    probabilities_path(path).write_text(probabilities_text(times, vectors, names))
    numbers = compared(tmp_path, ROWS)
    assert numbers["brier"]["score"] == pytest.approx((2 * 0.25**2 + 0.0625**2) / 3)
    assert numbers["brier"]["from"] == "probabilities"


def test_what_has_nothing_in_common_is_refused(tmp_path: Path) -> None:
    human = tmp_path / "human.csv"
    human.write_text(INTERVALS)
    write_nights(tmp_path / "a", "rank_themis", ROWS)
    write_nights(tmp_path / "b", "gill_themis", ROWS)
    with pytest.raises(ResultsError, match="no camera-night in common"):
        compare(tmp_path / "a", tmp_path / "b")
    with pytest.raises(OptionError, match="--class 'arc' is in neither; give no_aurora or other_aurora or pulsating"):
        compare(tmp_path / "a", tmp_path / "a", class_name="arc")
    with pytest.raises(OptionError, match="both human intervals"):
        compare(human, human)
    with pytest.raises(ResultsError, match="no camera-night in common"):
        compare(human, tmp_path / "a")
    human.write_text(INTERVALS.replace("2020-02-18 06:59:57", "noon"))
    with pytest.raises(ResultsError, match=r"human\.csv, line 2: expected"):
        compare(human, tmp_path / "a")


def test_the_published_labels_are_worth_what_is_known(shared_folder: Path) -> None:
    human = shared_folder / "labels" / "human_intervals.csv"
    numbers = summarise(compare(human, shared_folder / "published"))
    assert (numbers["camera_nights"], numbers["rows_in_common"]) == (34, 450_382)
    assert numbers["agreement"] == pytest.approx(0.634, abs=0.001)
    assert numbers["classes"]["pulsating"]["precision"] == pytest.approx(0.428, abs=0.001)
    assert numbers["classes"]["pulsating"]["recall"] == pytest.approx(0.441, abs=0.001)
    low, high = numbers["agreement_interval"]
    assert 0.55 < low < 0.634 < high < 0.72
