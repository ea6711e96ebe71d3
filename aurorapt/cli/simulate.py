"""``aurorapt simulate``: an archive of simulated minute files."""

from pathlib import Path
from typing import Annotated

import typer

from aurorapt.cli.app import app, one_line_errors
from aurorapt.errors import counted
from aurorapt.run.options import parse_date


@app.command()
def simulate(
    output: Annotated[
        Path, typer.Argument(help="New folder for the archive.", metavar="OUT_STREAM0", show_default=False)
    ],
    start: Annotated[str, typer.Argument(help="First UT date, YYYY-MM-DD.", metavar="START", show_default=False)],
    end: Annotated[str, typer.Argument(help="Last UT date, YYYY-MM-DD.", metavar="END", show_default=False)],
    site: Annotated[
        list[str] | None, typer.Option(metavar="SITE", help="THEMIS site; repeatable. [default: gill]")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="The simulated world: another number, another sky.")] = 0,
    minutes_per_hour: Annotated[int, typer.Option(metavar="N", help="Minutes of each hour, evenly spread.")] = 60,
) -> None:
    """Write an archive of simulated minute files, and their true classes in truth.csv."""
    with one_line_errors():
        first, last = parse_date(start, "START"), parse_date(end, "END")
        from aurorapt.simulation.simulated_archive import simulate_archive

        count = simulate_archive(output, first, last, site or ["gill"], seed, minutes_per_hour)
    typer.echo(f"{counted(count, 'minute file')} and truth.csv written to {output}")
