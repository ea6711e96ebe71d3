"""``aurorapt simulate``: an archive of simulated minute files."""

from pathlib import Path
from typing import Annotated

import typer

from aurorapt.cli.app import command, show_product
from aurorapt.errors import counted
from aurorapt.machine.interruption import raise_on_signals
from aurorapt.run.options import check_path, check_sites, parse_date


@command(
    "simulate",
    "aurorapt simulate stream0 2014-03-10 2014-03-10",
    "aurorapt simulate stream0 20140310 20140312 --site gill --site fsim --minutes-per-hour 4",
)
def simulate(
    output: Annotated[
        Path, typer.Argument(help="New folder for the archive.", metavar="OUT_STREAM0", show_default=False)
    ],
    start: Annotated[
        str, typer.Argument(help="First UT date: 2014-03-10 or 20140310.", metavar="START", show_default=False)
    ],
    end: Annotated[
        str, typer.Argument(help="Last UT date: 2014-03-10 or 20140310.", metavar="END", show_default=False)
    ],
    site: Annotated[
        list[str] | None, typer.Option(metavar="SITE", help="THEMIS site; repeatable. [default: gill]")
    ] = None,
    seed: Annotated[int, typer.Option(metavar="N", help="The simulated world: another number, another sky.")] = 0,
    minutes_per_hour: Annotated[int, typer.Option(metavar="N", help="Minutes of each hour, evenly spread.")] = 60,
) -> None:
    """Write an archive of simulated minute files, and their true classes in truth.csv."""
    first, last = parse_date(start, "START"), parse_date(end, "END")
    output = check_path("OUT_STREAM0", output)
    from aurorapt.simulation.simulated_archive import simulate_archive

    raise_on_signals()
    count = simulate_archive(output, first, last, check_sites(site or "gill"), seed, minutes_per_hour)
    show_product(f"{counted(count, 'minute file')} and truth.csv written to {output}")
