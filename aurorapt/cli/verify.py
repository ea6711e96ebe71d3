"""``aurorapt verify``: a tree of results checked."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from aurorapt.cli.app import EXIT_FAILED, app, one_line_errors
from aurorapt.errors import OptionError, counted, one_line
from aurorapt.run.options import check_archive


@app.command()
def verify(
    output: Annotated[Path, typer.Argument(help="Folder that holds results.", metavar="OUTPUT", show_default=False)],
    stream0: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Archive to compare them with; without it, each CSV with its companion only."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as one JSON object.")] = False,
) -> None:
    """Check results: list what is missing, damaged or stale; exit status 1 if anything is."""
    from aurorapt.results.verify import verify as verify_results

    with one_line_errors():
        if not output.is_dir():
            raise OptionError(f"OUTPUT {output} is not a folder; name the folder that holds the results")
        found = verify_results(output, None if stream0 is None else check_archive(stream0))
    if as_json:
        typer.echo(json.dumps(asdict(found)))
    else:
        for fault in found.faults:
            typer.echo(one_line(f"{fault.kind}: {fault.file}: {fault.reason}"))
        for remark in found.remarks:
            typer.echo(one_line(f"remark: {remark}"))
        made_with = "".join(f", {count} with {name}" for name, count in found.weights.items())
        faults = counted(len(found.faults), "fault")
        typer.echo(one_line(f"{counted(found.results, 'result')}{made_with}, {faults}"))
    if found.faults or not found.results:
        raise typer.Exit(EXIT_FAILED)
