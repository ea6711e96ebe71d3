"""``aurorapt demo``: the whole program shown on a simulated night."""

import json
from pathlib import Path
from typing import Annotated

import typer

from aurorapt.cli.app import app, one_line_errors


@app.command()
def demo(
    output: Annotated[Path, typer.Option(metavar="DIR", help="Folder for what the demo makes.")] = Path(
        "aurorapt-demo"
    ),
    as_json: Annotated[bool, typer.Option("--json", help="Print accuracy, recall and seconds as JSON.")] = False,
) -> None:
    """Simulate a short night of two cameras, classify it, and compare with the truth."""
    with one_line_errors():
        from aurorapt.demo import run_demo

        report = run_demo(output, lambda line: None if as_json else typer.echo(line))
    if as_json:
        typer.echo(json.dumps({"accuracy": report.accuracy, "recall": report.recall, "seconds": report.seconds}))
        return
    typer.echo(report.table())
