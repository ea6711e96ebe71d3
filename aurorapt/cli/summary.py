"""``aurorapt summary``: results by minute, hour or night."""

from pathlib import Path
from typing import Annotated

import typer

from aurorapt.cli.app import command, show_product
from aurorapt.cli.process import EXIT_FAILED, say
from aurorapt.errors import counted
from aurorapt.run.options import check_path


@command(
    "summary",
    "aurorapt summary results --per hour -o hours.csv",
    "aurorapt summary results --per minute -o minutes.parquet",
)
def summary(
    paths: Annotated[
        list[Path],
        typer.Argument(help="Classification files, or folders that hold some.", metavar="PATH...", show_default=False),
    ],
    per: Annotated[str, typer.Option(metavar="PERIOD", help="minute, hour or night (local noon to noon).")] = "hour",
    output: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="Table.")] = Path("summary.csv"),
    format: Annotated[
        str | None, typer.Option(metavar="NAME", help="csv or parquet. [default: by FILE's ending, else csv]")
    ] = None,
    model: Annotated[
        str, typer.Option(metavar="NAME", help="regression, majority or auto, as in aurorapt events.")
    ] = "auto",
) -> None:
    """Sum up results by minute, hour or night: frames, classes, pulsating minutes, sun, moon and magnetic time."""
    from aurorapt.science.output_files import check_format
    from aurorapt.science.summary_files import write_summary

    problems: list[tuple[Path, str]] = []
    paths = [check_path("PATH", path) for path in paths]
    output = check_path("--output", output)
    chosen = check_format(format, output, ("csv", "parquet"))
    count = write_summary(paths, output, chosen, per, model, lambda *problem: problems.append(problem))
    for path, reason in problems:
        say(f"aurorapt: not used: {path}: {reason}")
    show_product(f"{counted(count, 'row')} written to {output}")
    if problems:
        raise typer.Exit(EXIT_FAILED)
