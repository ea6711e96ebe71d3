"""What a comparison found, in numbers."""

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurorapt.science.compare import Comparison, NightComparison
from aurorapt.science.event_scores import NightEvents, Span, event_table
from aurorapt.science.events import EventRule, runs_of
from aurorapt.science.scores import agreement, class_scores, confusion_matrix, night_interval
from aurorapt.science.stretches import FRAME_SECONDS

AS_MARKED = EventRule(close=0, min_duration=0)  # a human's intervals are events as they are


def summarise(comparison: Comparison, rule: EventRule | None = None) -> dict[str, Any]:
    """Put a comparison into numbers that JSON can hold; a share is None where there is nothing to divide by.

    Parameters
    ----------
    rule : what makes events of labels
    """
    count = len(comparison.classes)
    confusions = [confusion_matrix(night.labels[0], night.labels[1], count) for night in comparison.nights]
    whole = np.sum(confusions, axis=0)
    only_in_reference = sum(night.only_in_reference for night in comparison.nights)
    rows = int(whole.sum()) + only_in_reference
    numbers = {
        "reference": comparison.reference,
        "judged": comparison.judged,
        "reference_is_human": comparison.human,
        "camera_nights": len(comparison.nights),
        "camera_nights_only_in_reference": comparison.only_in_reference,
        "camera_nights_only_in_judged": comparison.only_in_judged,
        "rows_in_common": int(whole.sum()),
        "rows_only_in_reference": only_in_reference,
        "rows_only_in_judged": sum(night.only_in_judged for night in comparison.nights),
        "doubtful_rows_left_out": comparison.ignored_doubtful,
        "agreement": agreement(whole),
        "agreement_interval": night_interval(confusions, agreement),
        "reproduced": int(np.trace(whole)) / rows if rows else None,
        "classes": _class_rows(comparison, confusions),
        "confusion": whole.tolist(),
        "confidence_difference": _differences(comparison),
        "brier": _brier(comparison),
        "events": _events(comparison, rule or EventRule()),
        "nights": [_night_row(comparison, *pair) for pair in zip(comparison.nights, confusions, strict=True)],
        "problems": comparison.problems,
    }
    plain: dict[str, Any] = without_nan(numbers)
    return plain


def _class_rows(comparison: Comparison, confusions: list[NDArray[np.int64]]) -> dict[str, Any]:
    whole = np.sum(confusions, axis=0)
    rows = {}
    for number, name in enumerate(comparison.classes):
        interval = night_interval(confusions, partial(_f1, number=number))
        judged = {"judged_frames": int(whole[:, number].sum()), "f1_interval": interval}
        rows[name] = class_scores(whole, number)._asdict() | judged
    return rows


def _f1(confusion: NDArray[np.int64], number: int) -> float:
    return class_scores(confusion, number).f1


def _differences(comparison: Comparison) -> dict[str, float] | None:
    differences = np.concatenate([night.differences for night in comparison.nights])
    if not len(differences):
        return None
    return {"largest": float(differences.max()), "percentile_99": float(np.percentile(differences, 99))}


def _brier(comparison: Comparison) -> dict[str, Any]:
    totals = [np.array([night.brier_terms.sum(), len(night.brier_terms)]) for night in comparison.nights]
    number = comparison.place(comparison.class_name)
    reference = np.concatenate([night.labels[0] for night in comparison.nights]) == number
    share = reference.mean() if len(reference) else float("nan")
    return {
        "class": comparison.class_name,
        "score": _mean(np.sum(totals, axis=0)),
        "interval": night_interval(totals, _mean),
        "climatology": float(share * (1 - share)),
        "from": "probabilities" if comparison.whole_vectors else "confidences",
    }


def _mean(total: NDArray[Any]) -> float:
    return float(total[0] / total[1]) if total[1] else float("nan")


def _events(comparison: Comparison, rule: EventRule) -> dict[str, Any]:
    number = comparison.place(comparison.class_name)
    reference_rule = AS_MARKED if comparison.human else rule
    nights = [
        NightEvents(
            _spans(night.seconds, night.labels[0] == number, reference_rule),
            _spans(night.seconds, night.labels[1] == number, rule),
        )
        for night in comparison.nights
    ]
    settings = {"close_s": rule.close, "min_duration_s": rule.min_duration, "longest_gap_s": rule.longest_gap}
    return {"class": comparison.class_name, "rule": settings, **event_table(nights)}


def _spans(seconds: NDArray[np.int64], wanted: NDArray[np.bool_], rule: EventRule) -> list[Span]:
    return [
        Span(int(seconds[run.first]), int(seconds[run.last]) + FRAME_SECONDS) for run in runs_of(seconds, wanted, rule)
    ]


def _night_row(comparison: Comparison, night: NightComparison, confusion: NDArray[np.int64]) -> dict[str, Any]:
    scores = class_scores(confusion, comparison.place(comparison.class_name))
    return {
        "date": night.date,
        "site": night.site,
        "camera": night.camera,
        "rows_in_common": int(confusion.sum()),
        "rows_only_in_reference": night.only_in_reference,
        "rows_only_in_judged": night.only_in_judged,
        "agreement": agreement(confusion),
        "precision": scores.precision,
        "recall": scores.recall,
        "f1": scores.f1,
        "largest_confidence_difference": float(night.differences.max()) if len(night.differences) else None,
        "shift_s": night.shift_s,
    }


def without_nan(value: Any) -> Any:
    """Replace what is not a number, which JSON has no word for, by None."""
    if isinstance(value, dict):
        return {name: without_nan(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_nan(part) for part in value]
    return None if isinstance(value, float) and np.isnan(value) else value
