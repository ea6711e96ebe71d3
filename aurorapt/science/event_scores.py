"""How well events agree: matched one to one by how much of their time they share."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aurorapt.science.scores import night_interval

LEAST_OVERLAPS = (0.3, 0.5)  # intersection over union of a match


class Span(NamedTuple):
    """An event's first second, and the one after its last."""

    start: int
    end: int


class NightEvents(NamedTuple):
    """The events of one camera-night in the reference, and in what is judged."""

    reference: list[Span]
    found: list[Span]


def overlap(one: Span, other: Span) -> float:
    """Give intersection over union, 0 to 1."""
    shared = min(one.end, other.end) - max(one.start, other.start)
    return max(shared, 0) / (max(one.end, other.end) - min(one.start, other.start)) if shared > 0 else 0.0


def matches(night: NightEvents, least: float) -> list[tuple[Span, Span]]:
    """Pair events one to one, those that share most first, as long as they share at least so much."""
    pairs = sorted(
        (-overlap(reference, found), reference, found)
        for reference in night.reference
        for found in night.found
        if overlap(reference, found) >= least
    )
    chosen: list[tuple[Span, Span]] = []
    for _, reference, found in pairs:
        if not any(reference == taken or found == other for taken, other in chosen):
            chosen.append((reference, found))
    return chosen


def event_table(nights: Sequence[NightEvents]) -> dict[str, object]:
    """Say how well events agree over all nights.

    Returns
    -------
    numbers of events; per least overlap, how many are matched, precision, recall, F1 with its interval, false events a
    night, and quartiles of the errors of onset and end in minutes (found minus reference); bias and correlation of
    the minutes a night
    """
    reference = sum(len(night.reference) for night in nights)
    found = sum(len(night.found) for night in nights)
    minutes = np.array([[_minutes(night.reference), _minutes(night.found)] for night in nights]).reshape(-1, 2)
    table: dict[str, object] = {
        "nights": len(nights),
        "reference_events": reference,
        "found_events": found,
        "reference_min": round(float(minutes[:, 0].sum()), 1),
        "found_min": round(float(minutes[:, 1].sum()), 1),
        "occupancy_bias_min_a_night": round(float(np.diff(minutes).mean()), 1) if len(nights) else None,
        "occupancy_correlation": _correlation(minutes),
    }
    for least in LEAST_OVERLAPS:
        matched = [matches(night, least) for night in nights]
        pairs = [pair for night in matched for pair in night]
        counts = [
            np.array([len(pairs), len(night.found), len(night.reference)])
            for night, pairs in zip(nights, matched, strict=True)
        ]
        table[f"iou_{least}"] = {
            "matched": len(pairs),
            "precision": len(pairs) / found if found else None,
            "recall": len(pairs) / reference if reference else None,
            "f1": 2 * len(pairs) / (found + reference) if found + reference else None,
            "f1_interval": night_interval(counts, _f1),
            "false_events_a_night": (found - len(pairs)) / len(nights) if nights else None,
            "onset_error_min": _quartiles([(b.start - a.start) / 60 for a, b in pairs]),
            "end_error_min": _quartiles([(b.end - a.end) / 60 for a, b in pairs]),
        }
    return table


def _f1(counts: NDArray[np.int64]) -> float:
    matched, found, reference = counts.tolist()
    return 2 * matched / (found + reference) if found + reference else float("nan")


def _minutes(spans: list[Span]) -> float:
    return sum(span.end - span.start for span in spans) / 60


def _correlation(minutes: NDArray[np.float64]) -> float | None:
    """Correlate two columns; None where one of them does not vary."""
    if len(minutes) < 2 or (minutes.std(axis=0) == 0).any():
        return None
    return round(float(np.corrcoef(minutes.T)[0, 1]), 4)


def _quartiles(errors: list[float]) -> list[float] | None:
    return [round(float(value), 2) for value in np.percentile(errors, (25, 50, 75))] if errors else None
