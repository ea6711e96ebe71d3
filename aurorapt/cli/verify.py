"""``aurorapt verify``: a tree of results checked."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from aurorapt.cli.app import command, show_product
from aurorapt.cli.process import EXIT_FAILED
from aurorapt.errors import OptionError, counted, one_line
from aurorapt.run.options import check_archive, check_path


@command("verify", "aurorapt verify results", "aurorapt verify results --stream0 /data/stream0 --json")
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

    output = check_path("OUTPUT", output)
    if not output.is_dir():
        raise OptionError(f"OUTPUT {output} is not a folder; name the folder that holds the results")
    found = verify_results(output, None if stream0 is None else check_archive(check_path("--stream0", stream0)))
    if as_json:
        show_product(json.dumps(asdict(found)))
    else:
        lines = [f"{fault.kind}: {fault.file}: {fault.reason}" for fault in found.faults]
        lines += [f"remark: {remark}" for remark in found.remarks]
        made_with = "".join(f", {count} with {name}" for name, count in found.weights.items())
        lines.append(f"{counted(found.results, 'result')}{made_with}, {counted(len(found.faults), 'fault')}")
        show_product("\n".join(map(one_line, lines)))
    if found.faults or not found.results:
        raise typer.Exit(EXIT_FAILED)
