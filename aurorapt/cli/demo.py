"""``aurorapt demo``: the whole program shown on a simulated night."""

import json
from pathlib import Path
from typing import Annotated

import typer

from aurorapt.cli.app import command, show_product
from aurorapt.cli.process import show
from aurorapt.machine.interruption import raise_on_signals
from aurorapt.run.options import check_path


@command("demo", "aurorapt demo", "aurorapt demo -o /tmp/aurorapt-demo --json")
def demo(
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="DIR", help="Folder for what the demo makes.")
    ] = Path("aurorapt-demo"),
    as_json: Annotated[bool, typer.Option("--json", help="Print accuracy, recall and seconds as JSON.")] = False,
) -> None:
    """Simulate a short night of two cameras, classify it, and compare with the truth."""

    def say_step(line: str) -> None:
        if not as_json:
            show(line)

    from aurorapt.demo import run_demo  # loads torch

    raise_on_signals()
    report = run_demo(check_path("--output", output), say_step)
    if as_json:
        show_product(json.dumps({"accuracy": report.accuracy, "recall": report.recall, "seconds": report.seconds}))
    else:
        show_product(report.table())
