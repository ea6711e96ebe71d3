import numpy as np
import pytest

from aurorapt.science.event_scores import NightEvents, Span, event_table, matches, overlap
from aurorapt.science.scores import night_interval


def test_overlap_is_intersection_over_union() -> None:
    assert overlap(Span(0, 100), Span(50, 150)) == pytest.approx(50 / 150)
    assert overlap(Span(0, 100), Span(100, 200)) == 0.0
    assert overlap(Span(0, 100), Span(20, 60)) == pytest.approx(0.4)


def test_events_are_matched_one_to_one_the_best_first() -> None:
    night = NightEvents([Span(0, 100), Span(110, 200)], [Span(0, 190), Span(90, 200)])
    assert matches(night, 0.3) == [(Span(110, 200), Span(90, 200)), (Span(0, 100), Span(0, 190))]
    assert matches(NightEvents([Span(0, 100)], [Span(0, 50), Span(50, 100)]), 0.3) == [(Span(0, 100), Span(0, 50))]


def test_the_table_counts_what_is_false_and_what_is_missed() -> None:
    nights = [
        NightEvents([Span(0, 6000)], [Span(600, 6600)]),
        NightEvents([], [Span(0, 600)]),
        NightEvents([Span(0, 600)], []),
    ]
    table = event_table(nights)
    half = table["iou_0.5"]
    assert isinstance(half, dict)
    assert (half["matched"], half["precision"], half["recall"], half["f1"]) == (1, 0.5, 0.5, 0.5)
    assert half["false_events_a_night"] == pytest.approx(1 / 3)
    assert half["onset_error_min"] == half["end_error_min"] == [10.0, 10.0, 10.0]
    assert (table["reference_min"], table["found_min"], table["occupancy_bias_min_a_night"]) == (110.0, 110.0, 0.0)
    correlation = table["occupancy_correlation"]
    assert isinstance(correlation, float)
    assert correlation == pytest.approx(np.corrcoef([100, 0, 10], [100, 10, 0])[0, 1], abs=1e-3)


def test_intervals_resample_nights() -> None:
    nights = [np.array([right, 10]) for right in (0, 10)]
    assert night_interval(nights, lambda counts: counts[0] / counts[1]) == (0.0, 1.0)
    assert night_interval(nights[:1], lambda counts: counts[0] / counts[1]) is None
