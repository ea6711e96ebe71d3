"""``aurorapt events``: when a class was there, for how long, and how sure that is."""

import json
from pathlib import Path
from typing import Annotated

import typer

from aurorapt.cli.app import command, show_product
from aurorapt.cli.durations import parse_duration
from aurorapt.cli.process import EXIT_FAILED, say
from aurorapt.errors import counted
from aurorapt.run.options import check_path


@command(
    "events",
    "aurorapt events results -o events.csv",
    "aurorapt events results -o events.json --close 5m --min-duration 30m --smooth smoothed",
)
def events(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Classification files, or folders that hold some.", metavar="PATH...", show_default=False),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Table of the events.")] = Path(
        "events.csv"
    ),
    format: Annotated[
        str | None, typer.Option(metavar="NAME", help="csv, json or parquet. [default: by FILE's ending, else csv]")
    ] = None,
    class_name: Annotated[str, typer.Option("--class", metavar="NAME", help="Class whose events.")] = "pulsating",
    close: Annotated[
        str, typer.Option(metavar="TIME", help="Longest break within an event, such as 90s or 10m.")
    ] = "10m",
    min_duration: Annotated[str, typer.Option(metavar="TIME", help="Shortest event.")] = "10m",
    model: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="regression: fitted on human labels; majority of 601 frames; auto: regression where the classes are "
            "the published network's, else majority.",
        ),
    ] = "auto",
    smooth: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Also write the smoothed labels as classification files, with their probability as confidence.",
        ),
    ] = None,
) -> None:
    """Find events of pulsating aurora: labels smoothed, joined across midnight, split at data gaps over 2 minutes.

    Beside FILE, ..._methods.json says what a methods section needs: weights, model, training nights, scores, rules, and
    the hours observed.
    """
    from aurorapt.science.event_search import COLUMNS, methods, search
    from aurorapt.science.events import EventRule
    from aurorapt.science.output_files import check_format, write_files, write_table

    paths = [check_path("PATH", path) for path in paths]
    output = check_path("--output", output)
    chosen = check_format(format, output)
    rule = EventRule(parse_duration(close, "--close"), parse_duration(min_duration, "--min-duration"))
    found = search(paths, class_name, model, rule, None if smooth is None else check_path("--smooth", smooth))
    document = methods(found, model)
    sidecar = output.with_name(f"{output.stem}_methods.json")
    write_table(output, COLUMNS, found.rows, chosen)
    write_files({sidecar: json.dumps(document, indent=1) + "\n"})
    for path, reason in found.problems.items():
        say(f"aurorapt: not used: {path}: {reason}")
    for note in found.notes:
        say(f"aurorapt: {note}")
    good = sum(event.quality == "good" for event in found.events)
    show_product(
        f"{counted(len(found.events), 'event')} of {class_name}, {good} of good quality, in "
        f"{document['hours_observed']['all']} hours observed; written {output} and {sidecar.name}"
    )
    if found.problems:
        raise typer.Exit(EXIT_FAILED)
