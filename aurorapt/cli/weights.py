"""``aurorapt weights``: what a weights file is."""

from pathlib import Path
from typing import Annotated

import typer

from aurorapt.cli.app import app, one_line_errors
from aurorapt.weights.location import find_weights
from aurorapt.weights.weights_file import read_weights


@app.command("weights")
def show_weights(
    file: Annotated[Path | None, typer.Argument(help="Weights file.", metavar="FILE", show_default=False)] = None,
) -> None:
    """Show what a weights file is; without FILE, the one that classify would use."""
    with one_line_errors():
        path = find_weights(file)
        weights = read_weights(path)
    from aurorapt.engine.engine import describe_engine  # loads torch

    rows = {
        "file": path,
        "name": weights.name,
        "kind": weights.kind,
        "classes": ", ".join(weights.classes),
        "input": " x ".join(map(str, weights.input_shape)) + " (channel, y, x)",
        "layers": len(weights.graph.nodes),
        "parameters": weights.parameter_count,
        "SHA-256": weights.sha256,
        "engine": describe_engine(),
    }
    rows |= {f"provenance {key}": value for key, value in weights.provenance.items()}
    width = max(map(len, rows))
    for name, value in rows.items():
        typer.echo(f"{name:{width}}  {value}")
