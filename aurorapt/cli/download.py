"""``aurorapt download``: minute files from the University of Calgary."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from typing import Annotated

import typer

from aurorapt.archive import calgary_server
from aurorapt.archive.download import DownloadSummary, download
from aurorapt.cli.app import command, one_line_errors, show_product
from aurorapt.cli.process import EXIT_FAILED, say
from aurorapt.errors import OptionError, counted
from aurorapt.machine.interruption import raise_on_signals, say_at_the_end
from aurorapt.run.options import check_path, check_sites, parse_dates

MOST_PARALLEL = 16  # files at once; more would not be fair to the server
PROBLEMS_SAID = 10


@command(
    "download",
    "aurorapt download 2014-03-10 2014-03-10 --site gill --output data",
    "aurorapt download 20140301 20140331 --site gill --site fsim -o data --json",
)
def download_command(
    start: Annotated[
        str, typer.Argument(help="First UT date: 2014-03-10 or 20140310.", metavar="START", show_default=False)
    ],
    end: Annotated[
        str, typer.Argument(help="Last UT date: 2014-03-10 or 20140310.", metavar="END", show_default=False)
    ],
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            metavar="DIR",
            help="Folder for the files: a download root, in which THEMIS_ASI_RAW is made, or an archive.",
            show_default=False,
        ),
    ],
    site: Annotated[
        list[str] | None,
        typer.Option(metavar="SITE", help="Site such as gill; repeatable. [default: all, 1.5 GB each a night]"),
    ] = None,
    parallel: Annotated[int, typer.Option(metavar="N", help="Files fetched at the same time.")] = 5,
    quiet: Annotated[bool, typer.Option("--quiet", help="Show no progress bar and no summary.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the summary as one JSON object.")] = False,
) -> None:
    """Download the minute files from START to END, both included, that are not there yet or not whole."""
    first, last = parse_dates(start, end)
    sites = check_sites(site or ())
    folder = check_path("--output", output)
    if folder.exists() and not folder.is_dir():
        raise OptionError(f"--output {folder} is not a folder; name the folder for the files")
    if not 1 <= parallel <= MOST_PARALLEL:
        raise OptionError(f"--parallel {parallel} must be between 1 and {MOST_PARALLEL}")
    say_at_the_end(lambda: say("aurorapt: interrupted; the same command goes on with the files that are missing"))
    raise_on_signals()
    summary = DownloadSummary()
    try:
        with _bar(first, last, quiet or as_json) as show_progress, one_line_errors():
            download(first, last, folder, sites, parallel, summary, show_progress, calgary_server.SERVER)
    finally:
        if as_json:
            show_product(json.dumps(asdict(summary)))
    if not as_json and not (quiet and summary.succeeded):
        of_sites = f"of {', '.join(sites)} " if sites else ""
        _print_summary(summary, f"{of_sites}from {first} to {last}")
    if not summary.succeeded:
        raise typer.Exit(EXIT_FAILED)


@contextmanager
def _bar(first: date, last: date, quiet: bool) -> Iterator[Callable[[date, float, DownloadSummary], None]]:
    """Show a bar over the dates, on a terminal."""
    from tqdm import tqdm

    with tqdm(
        total=(last - first).days + 1,
        disable=True if quiet else None,
        dynamic_ncols=True,
        bar_format="{desc} {percentage:3.0f}%|{bar}|{postfix} [{elapsed}<{remaining}]",
        desc="starting",
    ) as bar:

        def show(day: date, share: float, summary: DownloadSummary) -> None:
            rate = summary.bytes / 1e6 / max(summary.seconds, 1e-3)
            bar.set_description_str(str(day), refresh=False)
            bar.set_postfix_str(f"{counted(summary.fetched, 'file')}, {rate:.1f} MB/s", refresh=False)
            bar.update((day - first).days + share - bar.n)

        yield show


def _print_summary(summary: DownloadSummary, wanted: str) -> None:
    if not summary.files:
        say(f"aurorapt: the server has no minute file {wanted}; the cameras run in the dark months only")
        return
    for problem in summary.problems[:PROBLEMS_SAID]:
        say(f"aurorapt: {problem['file']}: {problem['reason']}")
    tell = show_product if summary.succeeded else say
    replaced = f", {summary.replaced} of them in place of damaged ones" if summary.replaced else ""
    tell(
        f"{counted(summary.files, 'minute file')}: {summary.fetched} fetched ({summary.bytes / 1e9:.2f} GB{replaced}), "
        f"{summary.present} there before, {summary.failed} failed, in {summary.seconds:.1f} s; now --stream0 "
        f"{summary.archive}"
    )
