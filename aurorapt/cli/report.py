"""``aurorapt report``: a tree of results as one page."""

from pathlib import Path
from typing import Annotated

import typer

from aurorapt.cli.app import command, show_product
from aurorapt.cli.process import EXIT_FAILED, say
from aurorapt.errors import counted
from aurorapt.machine.interruption import raise_on_signals
from aurorapt.run.options import check_archive, check_path


@command(
    "report",
    "aurorapt report results",
    "aurorapt report results/2014 -o 2014.html --stream0 /data/stream0",
)
def report(
    output: Annotated[Path, typer.Argument(help="Folder that holds results.", metavar="OUTPUT", show_default=False)],
    page: Annotated[Path, typer.Option("--output", "-o", metavar="FILE", help="The page.")] = Path("report.html"),
    stream0: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Archive to make keograms from; some seconds a camera-night, once."),
    ] = None,
) -> None:
    """Make one page of results, to browse, filter and share: calendar, nights, events; it needs no network.

    Beside FILE, FILE.cache keeps what was summed up, so that the next run reads only what has changed.
    """
    from tqdm import tqdm

    from aurorapt.pictures.report.build import write_report

    output, page = check_path("OUTPUT", output), check_path("--output", page)
    archive = None if stream0 is None else check_archive(check_path("--stream0", stream0))
    raise_on_signals()
    with tqdm(unit=" nights", disable=None, leave=False) as bar:

        def show(done: int, of: int) -> None:
            bar.total = of
            bar.update(done - bar.n)

        made = write_report(output, page, archive, show)
    for file, reason in made.faults:
        say(f"aurorapt: not used: {file}: {reason}")
    if made.note:
        say(f"aurorapt: {made.note}")
    if not made.camera_nights:
        say(f"aurorapt: {output} holds no results; name a folder with files ..._classifications.txt")
    show_product(
        f"{counted(made.camera_nights, 'camera-night')}, {made.anew} of them new or changed; "
        f"written {page} ({made.size / 1e6:.1f} MB)"
    )
    if made.faults or not made.camera_nights:
        raise typer.Exit(EXIT_FAILED)
