"""Fit the smoothing regression on human labels, judge it on what it has not seen, and write its JSON.

    pip install -e '.[science,fit]'
    python scripts/fit_smoothing.py PUBLISHED LABELS

PUBLISHED is a folder of the classification files that the original's authors published, LABELS the CSV of human
intervals of the same nights. Nothing is random but the resampling of nights, whose seed is fixed. A variant is chosen
by hand, in ``CHOSEN``: by simplicity, by how little it changes between sites, and by calibration; the scores of all
variants are written too.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import sklearn
import typer
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

import aurorapt.science
from aurorapt.science.compare import Comparison, NightComparison
from aurorapt.science.comparison_numbers import summarise
from aurorapt.science.events import EventRule, find_events
from aurorapt.science.human_intervals import UNLABELLED, label_frames, read_human_intervals
from aurorapt.science.scores import agreement, class_scores, confusion_matrix, night_interval
from aurorapt.science.smoothing import Majority, Regression, Smoother, features
from aurorapt.science.stretches import Stretch, find_night_files, read_night
from aurorapt.themis import CLASSES

STEP = 10  # every tenth frame is fitted on: neighbours say the same
PULSATING = CLASSES.index("pulsating")
VALIDATED_F1 = 0.4  # of a site left out, for its events to count as validated
VALIDATED_FRAMES = 1200  # that a human marked there, without doubt: an hour


@dataclass(frozen=True)
class Variant:
    """What is fitted: seconds before and after of each average, and of the final one; the regression's C."""

    reaches: tuple[int, ...] = (900, 3600)
    final_reach: int = 300
    c: float = 0.001
    doubtful_too: bool = False


CHOSEN = "regression"
VARIANTS = {
    "regression": Variant(),
    "doubtful frames too": Variant(doubtful_too=True),
    "C 0.01": Variant(c=0.01),
    "C 0.0001": Variant(c=0.0001),
    "no final average": Variant(final_reach=0),
    "longer final average": Variant(final_reach=600),
    "shorter averages": Variant(reaches=(600, 2400)),
    "longer second average": Variant(reaches=(900, 5400)),
    "longer averages": Variant(reaches=(1800, 7200)),
    "one average of 45 min": Variant(reaches=(1350,)),
    "one average of an hour": Variant(reaches=(1800,)),
}
RULES_TRIED = 42  # thresholds of probability, --close and --min-duration, with the scores of each variant
FOLDS: dict[str, Callable[["Night"], str]] = {
    "leave_one_night_out": lambda night: night.name,
    "leave_one_date_out": lambda night: night.date,
    "leave_one_site_out": lambda night: night.stretch.site,
}


class Night(NamedTuple):
    """A camera-night with its human labels: (n,) places in CLASSES, UNLABELLED where there are none."""

    name: str
    date: str
    path: Path
    stretch: Stretch
    labels: NDArray[np.intp]
    doubtful: NDArray[np.bool_]


def read_nights(published: Path, labels: Path) -> list[Night]:
    """Read all nights that a human has labelled."""
    intervals = read_human_intervals(labels)
    nights = []
    for night_file in find_night_files([published]):
        stretch = read_night(night_file, _refuse)
        key = (night_file.date, night_file.site)
        if stretch is not None and key in intervals:
            human = label_frames(intervals[key], stretch.seconds, list(CLASSES))
            path = night_file.result.csv_file
            nights.append(Night(" ".join(key), night_file.date, path, stretch, *human))
    return nights


def _refuse(path: Path, reason: str) -> None:
    raise SystemExit(f"{path}: {reason}")


def fit(variant: Variant, nights: Sequence[Night]) -> Regression:
    """Fit a variant on nights."""
    chosen = [
        np.flatnonzero((night.labels != UNLABELLED) & (~night.doubtful | variant.doubtful_too))[::STEP]
        for night in nights
    ]
    inputs = np.vstack(
        [features(night.stretch, variant.reaches)[rows] for night, rows in zip(nights, chosen, strict=True)]
    )
    labels = np.concatenate([night.labels[rows] for night, rows in zip(nights, chosen, strict=True)])
    scaler = StandardScaler().fit(inputs)
    model = LogisticRegression(C=variant.c, max_iter=1000).fit(scaler.transform(inputs), labels)
    return Regression(
        reaches=variant.reaches,
        final_reach=variant.final_reach,
        means=scaler.mean_.round(6),
        scales=scaler.scale_.round(6),
        coefficients=model.coef_.T.round(6),
        intercepts=model.intercept_.round(6),
        document={"model": asdict(variant)},
    )


def held_out(variant: Variant, nights: Sequence[Night], fold: Callable[[Night], str]) -> list[NDArray[np.float64]]:
    """Give each night's probabilities by a regression fitted without its fold."""
    models = {name: fit(variant, [night for night in nights if fold(night) != name]) for name in set(map(fold, nights))}
    return [models[fold(night)](night.stretch) for night in nights]


def judge(nights: Sequence[Night], probabilities: Sequence[NDArray[np.float64]], sure: bool) -> dict[str, Any]:
    """Compare probabilities with the human, in numbers; the sure frames only, or all."""
    comparison = Comparison("human", "smoothed", "pulsating", human=True)
    for night, given in zip(nights, probabilities, strict=True):
        kept = (night.labels != UNLABELLED) & ~(night.doubtful & sure)
        truth = night.labels[kept]
        labels = np.stack([truth, given[kept].argmax(axis=1)])
        brier_terms = (given[kept, PULSATING] - (truth == PULSATING)) ** 2
        site, seconds = night.stretch.site, night.stretch.seconds[kept]
        nothing = np.empty(0, np.float32)
        comparison.nights.append(
            NightComparison(night.date, site, site, 0, 0, seconds, labels, brier_terms, nothing, None)
        )
    return summarise(comparison)


def brief(numbers: dict[str, Any]) -> Any:
    """Give what is kept of a comparison's numbers."""
    pulsating, events = numbers["classes"]["pulsating"], numbers["events"]
    return rounded(
        {
            "pulsating_f1": pulsating["f1"],
            "pulsating_f1_interval": pulsating["f1_interval"],
            "pulsating_precision": pulsating["precision"],
            "pulsating_recall": pulsating["recall"],
            "accuracy": numbers["agreement"],
            "accuracy_interval": numbers["agreement_interval"],
            "brier": numbers["brier"]["score"],
            "brier_interval": numbers["brier"]["interval"],
            "brier_of_climatology": numbers["brier"]["climatology"],
            "event_f1": {least: events[f"iou_{least}"]["f1"] for least in (0.3, 0.5)},
            "event_f1_interval": {least: events[f"iou_{least}"]["f1_interval"] for least in (0.3, 0.5)},
            "false_events_a_night": {least: events[f"iou_{least}"]["false_events_a_night"] for least in (0.3, 0.5)},
        }
    )


def by_site(nights: Sequence[Night], probabilities: Sequence[NDArray[np.float64]]) -> Any:
    """Say how well each site does, and of which classes its labels are validated."""
    counts: dict[str, list[NDArray[np.int64]]] = defaultdict(list)  # of each night: all frames, and the sure ones
    for night, given in zip(nights, probabilities, strict=True):
        labelled = night.labels != UNLABELLED
        pair = [
            confusion_matrix(night.labels[kept], given[kept].argmax(axis=1), len(CLASSES))
            for kept in (labelled, labelled & ~night.doubtful)
        ]
        counts[night.stretch.site].append(np.stack(pair))
    return rounded({site: _site_row(np.stack(pairs)) for site, pairs in sorted(counts.items())})


def _site_row(counts: NDArray[np.int64]) -> dict[str, Any]:
    """Give a site's scores from its (nights, 2, classes, classes) counts, of all frames and of the sure ones."""
    everything, sure = counts.sum(axis=0)
    scores = class_scores(everything, PULSATING)
    validated = [
        name
        for place, name in enumerate(CLASSES)
        if sure[place].sum() >= VALIDATED_FRAMES and class_scores(everything, place).f1 >= VALIDATED_F1
    ]
    return {
        "nights": len(counts),
        "accuracy": agreement(everything),
        "accuracy_interval": night_interval(list(counts[:, 0]), agreement),
        "pulsating_hours_by_the_human": scores.frames / 1200,
        "pulsating_precision": scores.precision,
        "pulsating_recall": scores.recall,
        "pulsating_f1": scores.f1,
        "pulsating_f1_interval": night_interval(list(counts[:, 0]), _pulsating_f1),
        "pulsating_f1_sure": class_scores(sure, PULSATING).f1,
        "validated": validated,
    }


def _pulsating_f1(confusion: NDArray[np.int64]) -> float:
    return class_scores(confusion, PULSATING).f1


def events_by_quality(nights: Sequence[Night], probabilities: Sequence[NDArray[np.float64]], sites: Any) -> Any:
    """Say how many held-out events of each quality share at least 0.3 of their time with what the human marked."""
    validated = frozenset(site for site, row in sites.items() if "pulsating" in row["validated"])
    tally: dict[str, list[int]] = {"good": [0, 0], "doubtful": [0, 0]}
    for night, given in zip(nights, probabilities, strict=True):
        for event in find_events(night.stretch, given, "pulsating", EventRule(), Majority(), validated):
            first, end = (np.datetime64(text.removesuffix("Z")) for text in (event.start, event.end))
            chosen = (night.stretch.times >= first) & (night.stretch.times < end)
            share = (night.labels[chosen] == PULSATING).mean()
            tally[event.quality][0] += 1
            tally[event.quality][1] += int(share >= 0.5)
    return {quality: {"events": count, "mostly_pulsating": right} for quality, (count, right) in tally.items()}


def rounded(value: Any) -> Any:
    """Round what is written to four places, and write None for what is not a number."""
    if isinstance(value, dict):
        return {str(name): rounded(part) for name, part in value.items()}
    if isinstance(value, (list, tuple)):
        return [rounded(part) for part in value]
    if not isinstance(value, float):
        return value
    return None if np.isnan(value) else round(value, 4)


def sha256(path: Path) -> str:
    """Hash a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def document_of(nights: Sequence[Night], labels: Path, say: Callable[[str], None]) -> dict[str, Any]:
    """Judge all variants and fit the chosen one."""
    scores: dict[str, Any] = {}
    raw = [np.eye(len(CLASSES))[night.stretch.labels] for night in nights]
    majority: Smoother = Majority()
    for name, given in (("raw labels", raw), ("majority", [majority(night.stretch) for night in nights])):
        scores[name] = {"all": brief(judge(nights, given, False)), "sure": brief(judge(nights, given, True))}
        say(f"{name}: {_line(scores[name])}")
    variants: dict[str, Any] = {}
    for name, variant in VARIANTS.items():
        for fold_name, fold in FOLDS.items():
            if fold_name == "leave_one_date_out" and name != CHOSEN:
                continue
            given = held_out(variant, nights, fold)
            found = {"all": brief(judge(nights, given, False)), "sure": brief(judge(nights, given, True))}
            say(f"{name}, {fold_name}: {_line(found)}")
            if name == CHOSEN:
                scores[fold_name] = found
                sites = by_site(nights, given)
                quality = events_by_quality(nights, given, sites)
            keys = ("pulsating_f1", "accuracy", "brier", "event_f1", "false_events_a_night")
            variants.setdefault(name, asdict(variant))[fold_name] = {key: found["all"][key] for key in keys}
    model = fit(VARIANTS[CHOSEN], nights)
    return {
        "format": 1,
        "model": {
            "classes": list(CLASSES),
            "reaches_s": list(model.reaches),
            "final_reach_s": model.final_reach,
            "means": model.means.tolist(),
            "scales": model.scales.tolist(),
            "coefficients": model.coefficients.tolist(),
            "intercepts": model.intercepts.tolist(),
        },
        "scores": scores,
        "sites": sites,
        "events_by_quality": quality,
        "variants_tried": len(VARIANTS),
        "event_rules_tried": RULES_TRIED,
        "variants": variants,
        "training": {
            "frames_between": STEP,
            "doubtful_frames": "left out",
            "labels_sha256": sha256(labels),
            "scikit_learn": sklearn.__version__,
            "nights": {
                night.name: {
                    "sha256": sha256(night.path),
                    "frames": len(night.labels),
                    "sure_frames": int(((night.labels != UNLABELLED) & ~night.doubtful).sum()),
                }
                for night in nights
            },
        },
    }


def _line(found: dict[str, Any]) -> str:
    parts = []
    for kind, row in found.items():
        events = f"events {row['event_f1']['0.3']}, false {row['false_events_a_night']['0.3']}"
        parts.append(f"{kind} F1 {row['pulsating_f1']}, accuracy {row['accuracy']}, Brier {row['brier']}, {events}")
    return "; ".join(parts)


def main(
    published: Annotated[Path, typer.Argument(help="Folder of published classification files.")],
    labels: Annotated[Path, typer.Argument(help="CSV of human intervals.")],
    output: Annotated[Path, typer.Option(help="Where the model goes.")] = Path(aurorapt.science.__path__[0])
    / "smoothing_model.json",
) -> None:
    """Fit the smoothing regression and judge it on what it has not seen."""
    document = document_of(read_nights(published, labels), labels, typer.echo)
    output.write_text(json.dumps(document, indent=1) + "\n")


if __name__ == "__main__":
    typer.run(main)
