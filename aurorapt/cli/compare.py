"""``aurorapt compare``: two sets of labels, or labels and a human."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from aurorapt.cli.app import command, show_product
from aurorapt.cli.durations import parse_duration
from aurorapt.cli.process import EXIT_FAILED, say
from aurorapt.errors import OptionError, counted
from aurorapt.run.options import check_path


@command(
    "compare",
    "aurorapt compare published results --expect-agreement 0.999",
    "aurorapt compare human_intervals.csv results --ignore-doubtful --json",
)
def compare(
    first: Annotated[
        Path,
        typer.Argument(
            help="Reference: classification file, folder, or CSV of human intervals.", metavar="A", show_default=False
        ),
    ],
    second: Annotated[Path, typer.Argument(help="What is judged: the same.", metavar="B", show_default=False)],
    class_name: Annotated[
        str, typer.Option("--class", metavar="NAME", help="Class whose events and probability are compared.")
    ] = "pulsating",
    ignore_doubtful: Annotated[
        bool, typer.Option("--ignore-doubtful", help="Leave out the frames of which the human was not sure.")
    ] = False,
    close: Annotated[str, typer.Option(metavar="TIME", help="Longest break within an event.")] = "10m",
    min_duration: Annotated[str, typer.Option(metavar="TIME", help="Shortest event.")] = "10m",
    expect_agreement: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            help="Exit with 1 where fewer of the common rows have the same class, or fewer of A's rows are in B.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print all numbers as one JSON object.")] = False,
) -> None:
    """Compare two sets of labels, second by second, night by night and event by event.

    A is the reference, unless B is human intervals: a CSV with columns date, site, start, end, class, confidence.
    """
    from aurorapt.science.compare import compare as compare_labels
    from aurorapt.science.comparison_numbers import summarise
    from aurorapt.science.events import EventRule

    if expect_agreement is not None and not 0 <= expect_agreement <= 1:
        raise OptionError(f"--expect-agreement {expect_agreement} must be between 0 and 1")
    rule = EventRule(parse_duration(close, "--close"), parse_duration(min_duration, "--min-duration"))
    paths = check_path("A", first), check_path("B", second)
    numbers = summarise(compare_labels(*paths, class_name, ignore_doubtful), rule)
    show_product(json.dumps(numbers) if as_json else "\n".join(_lines(numbers)))
    for problem in numbers["problems"]:
        say(f"aurorapt: not used: {problem}")
    missed = _missed(numbers, expect_agreement)
    if missed:
        say(f"aurorapt: {missed}")
    if missed or numbers["problems"]:
        raise typer.Exit(EXIT_FAILED)


def _missed(numbers: dict[str, Any], expected: float | None) -> str | None:
    """Say which expectation is not met, if any."""
    if expected is None:
        return None
    if numbers["agreement"] is None or numbers["agreement"] < expected:
        return f"agreement {_share(numbers['agreement'])} is below {expected}"
    rows = numbers["rows_in_common"]
    if rows < expected * (rows + numbers["rows_only_in_reference"]):
        return f"{numbers['rows_only_in_reference']} rows of A are not in B, more than {expected} allows"
    if len(numbers["camera_nights_only_in_reference"]) > (1 - expected) * numbers["camera_nights"]:
        missing = counted(len(numbers["camera_nights_only_in_reference"]), "camera-night")
        return f"{missing} of A not in B, more than {expected} allows"
    return None


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.4f}"


def _interval(ends: list[float] | None) -> str:
    return "" if ends is None else f" (95 %: {ends[0]:.3f} to {ends[1]:.3f})"


def _lines(numbers: dict[str, Any]) -> list[str]:
    lines = [
        f"{counted(numbers['camera_nights'], 'camera-night')} in common, "
        f"{len(numbers['camera_nights_only_in_reference'])} only in the reference, "
        f"{len(numbers['camera_nights_only_in_judged'])} only in what is judged",
        f"{counted(numbers['rows_in_common'], 'row')} in common, {numbers['rows_only_in_reference']} only in the "
        f"reference, {numbers['rows_only_in_judged']} only in what is judged, "
        f"{numbers['doubtful_rows_left_out']} doubtful left out",
        f"agreement {_share(numbers['agreement'])}{_interval(numbers['agreement_interval'])}",
    ]
    if numbers["confidence_difference"]:
        largest, most = (numbers["confidence_difference"][name] for name in ("largest", "percentile_99"))
        lines.append(f"confidences differ by {largest:.3g} at most, 99 % of them by {most:.3g} or less")
    lines += ["", f"{'class':16} {'precision':>9} {'recall':>9} {'F1':>9} {'reference':>9} {'judged':>9}"]
    for name, row in numbers["classes"].items():
        shares = " ".join(f"{_share(row[key]):>9}" for key in ("precision", "recall", "f1"))
        lines.append(f"{name:16} {shares} {row['frames']:9} {row['judged_frames']:9}{_interval(row['f1_interval'])}")
    lines += ["", "rows by class of the reference (down) and of what is judged (across)"]
    names = list(numbers["classes"])
    lines.append(" " * 16 + "".join(f" {name:>13}" for name in names))
    for name, counts in zip(names, numbers["confusion"], strict=True):
        lines.append(f"{name:16}" + "".join(f" {count:13}" for count in counts))
    return [*lines, "", *_event_lines(numbers), "", *_night_lines(numbers)]


def _event_lines(numbers: dict[str, Any]) -> list[str]:
    events, brier = numbers["events"], numbers["brier"]
    lines = [
        f"Brier score of {brier['class']} {_share(brier['score'])}{_interval(brier['interval'])}, of climatology "
        f"{_share(brier['climatology'])}; from {brier['from']}",
        f"events of {events['class']}: {events['reference_events']} in the reference, {events['found_events']} in what "
        f"is judged; {events['reference_min']:.0f} and {events['found_min']:.0f} min",
        f"minutes a night: bias {events['occupancy_bias_min_a_night']}, correlation "
        f"{_share(events['occupancy_correlation'])}",
    ]
    for name, row in events.items():
        if name.startswith("iou_"):
            lines.append(
                f"sharing {name.removeprefix('iou_')} of their time: {row['matched']} matched, F1 {_share(row['f1'])}"
                f"{_interval(row['f1_interval'])}, {row['false_events_a_night']:.2f} false a night; errors in min, "
                f"quartiles: onset {row['onset_error_min'] or '-'}, end {row['end_error_min'] or '-'}"
            )
    return lines


def _night_lines(numbers: dict[str, Any]) -> list[str]:
    head = ("in common", "only ref.", "only jud.", "agreement", "precision", "recall", "F1")
    lines = [f"{'night':22}" + "".join(f" {name:>9}" for name in head)]
    for row in numbers["nights"]:
        counts = (row["rows_in_common"], row["rows_only_in_reference"], row["rows_only_in_judged"])
        shares = (row["agreement"], row["precision"], row["recall"], row["f1"])
        shift = f"  times off by {row['shift_s']:+} s" if row["shift_s"] else ""
        cells = "".join(f" {count:9}" for count in counts) + "".join(f" {_share(share):>9}" for share in shares)
        lines.append(f"{row['date'] + ' ' + row['camera']:22}{cells}{shift}")
    return lines
