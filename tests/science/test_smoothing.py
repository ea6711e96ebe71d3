import json
from pathlib import Path

import numpy as np
import pytest

from aurorapt.errors import OptionError
from aurorapt.results.classifications import sha256_of_text
from aurorapt.science.human_intervals import UNLABELLED, label_frames, read_human_intervals
from aurorapt.science.scores import agreement, class_scores, confusion_matrix
from aurorapt.science.smoothing import Majority, choose_smoother, shipped_regression, window_means
from aurorapt.science.stretches import Stretch, find_night_files, read_night, stretches
from aurorapt.themis import CLASSES
from tests.science.example_nights import blocks, write_nights


def only_stretch(folder: Path) -> Stretch:
    """Read what is one stretch."""
    (stretch,) = stretches(find_night_files([folder]), lambda path, reason: pytest.fail(reason))
    return stretch


def test_windows_are_of_time_not_of_frames() -> None:
    seconds = np.array([0, 3, 6, 100, 103])
    values = np.array([[1.0], [2.0], [6.0], [10.0], [20.0]])
    assert window_means(seconds, values, 3)[:, 0].tolist() == [1.5, 3.0, 4.0, 15.0, 15.0]
    assert window_means(seconds, values, 97)[:, 0].tolist() == pytest.approx([3, 4.75, 7.8, 9.5, 12])


def test_regression_follows_a_clear_night_and_its_probabilities_are_sound(tmp_path: Path) -> None:
    write_nights(tmp_path, "gill_themis", blocks("2020-02-18T02:00:00", (180, "bad_viewing"), (180, "pulsating")))
    stretch = only_stretch(tmp_path)
    probabilities = shipped_regression()(stretch)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1)
    assert (probabilities > 0).all()
    labels = np.array(CLASSES)[probabilities.argmax(axis=1)]
    assert set(labels[:3400]) == {"bad_viewing"}
    assert set(labels[3800:]) == {"pulsating"}


def test_missing_frames_change_little_and_shuffled_files_nothing(tmp_path: Path) -> None:
    rows = blocks("2020-02-18T02:00:00", (180, "no_aurora"), (180, "pulsating"))
    write_nights(tmp_path / "whole", "gill_themis", rows)
    write_nights(tmp_path / "thin", "gill_themis", rows[::2])
    whole, thin = (shipped_regression()(only_stretch(tmp_path / name)) for name in ("whole", "thin"))
    np.testing.assert_allclose(whole[::2], thin, atol=2e-3)


def test_two_nights_of_one_file_know_nothing_of_each_other(tmp_path: Path) -> None:
    morning = blocks("2020-02-18T05:00:00", (60, "pulsating"))
    evening = blocks("2020-02-18T22:00:00", (120, "no_aurora"))
    write_nights(tmp_path / "both", "gill_themis", morning + evening)
    write_nights(tmp_path / "one", "gill_themis", morning)
    both = list(stretches(find_night_files([tmp_path / "both"]), lambda path, reason: pytest.fail(reason)))
    assert [len(stretch.times) for stretch in both] == [1200, 2400]
    np.testing.assert_array_equal(shipped_regression()(both[0]), shipped_regression()(only_stretch(tmp_path / "one")))


def test_neighbouring_dates_are_one_stretch(tmp_path: Path) -> None:
    rows = blocks("2020-02-18T22:00:00", (240, "pulsating"))
    write_nights(tmp_path, "gill_themis", rows)
    stretch = only_stretch(tmp_path)
    assert len(stretch.times) == 4800
    assert len(stretch.night_files) == 2


def test_majority_is_of_half_an_hour(tmp_path: Path) -> None:
    write_nights(tmp_path, "gill_themis", blocks("2020-02-18T02:00:00", (60, "no_aurora"), (60, "pulsating")))
    shares = Majority()(only_stretch(tmp_path))
    assert shares[1200].tolist() == pytest.approx([0, 300 / 601, 0, 301 / 601])
    assert shares[1200 + 300].tolist() == [0, 0, 0, 1]


def test_an_unknown_model_is_refused() -> None:
    with pytest.raises(OptionError, match="--model 'markov' is unknown; give auto or regression or majority"):
        choose_smoother("markov", CLASSES)


def test_the_shipped_model_says_where_it_comes_from_and_how_good_it_is() -> None:
    document = shipped_regression().document
    assert len(document["training"]["nights"]) == 34
    assert all(len(night["sha256"]) == 64 for night in document["training"]["nights"].values())
    majority = document["scores"]["majority"]
    for fold in ("leave_one_night_out", "leave_one_site_out"):
        scores = document["scores"][fold]
        assert scores["all"]["pulsating_f1"] >= 0.53
        assert scores["sure"]["pulsating_f1"] >= 0.65
        assert all(scores[kind]["pulsating_f1"] > majority[kind]["pulsating_f1"] for kind in ("all", "sure"))
        assert scores["all"]["event_f1"]["0.3"] >= 0.4
        assert scores["all"]["false_events_a_night"]["0.3"] <= 0.5
    assert document["variants_tried"] == len(document["variants"])
    validated = {site for site, row in document["sites"].items() if "pulsating" in row["validated"]}
    assert validated == {"fsim", "fsmi", "gill", "snkq"}
    assert len(shipped_regression().model_id) == len("regression-") + 12
    json.dumps(document, allow_nan=False)


def test_the_shipped_model_was_fitted_on_the_published_files(shared_folder: Path) -> None:
    document = shipped_regression().document
    labels = shared_folder / "labels" / "human_intervals.csv"
    assert sha256_of_text(labels.read_text()) == document["training"]["labels_sha256"]
    intervals = read_human_intervals(labels)
    whole = np.zeros((4, 4), np.int64)
    for night_file in find_night_files([shared_folder / "published"]):
        stretch = read_night(night_file, lambda path, reason: pytest.fail(reason))
        key = (night_file.date, night_file.site)
        if stretch is None or key not in intervals:
            continue
        assert document["training"]["nights"][" ".join(key)]["frames"] == len(stretch.times)
        truth, _ = label_frames(intervals[key], stretch.seconds, list(CLASSES))
        kept = truth != UNLABELLED
        found = shipped_regression()(stretch).argmax(axis=1)
        whole += confusion_matrix(truth[kept], found[kept], 4)
    assert agreement(whole) == pytest.approx(0.717, abs=0.002)
    assert class_scores(whole, 3).f1 == pytest.approx(0.556, abs=0.002)
