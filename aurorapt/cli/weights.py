"""``aurorapt weights``: what a weights file is."""

from pathlib import Path
from typing import Annotated

import typer

from aurorapt.cli.app import command, show_product
from aurorapt.run.options import check_path
from aurorapt.weights.location import find_weights
from aurorapt.weights.weights_file import read_weights


@command("weights", "aurorapt weights", "aurorapt weights weights/mine.safetensors")
def show_weights(
    file: Annotated[Path | None, typer.Argument(help="Weights file.", metavar="FILE", show_default=False)] = None,
) -> None:
    """Show what a weights file is; without FILE, the one that classify would use."""
    path = find_weights(None if file is None else check_path("FILE", file))
    weights = read_weights(path)
    from aurorapt.engine.engine import describe_engine  # loads torch
    from aurorapt.engine.streams import one_thread

    with one_thread():
        engine = describe_engine()

    rows = {
        "file": path,
        "name": weights.name,
        "kind": weights.kind,
        "classes": ", ".join(weights.classes),
        "input": " x ".join(map(str, weights.input_shape)) + " (channel, y, x)",
        "layers": len(weights.graph.nodes),
        "parameters": weights.parameter_count,
        "SHA-256": weights.sha256,
        "engine": engine,
    }
    rows |= {f"provenance {key}": value for key, value in weights.provenance.items()}
    width = max(map(len, rows))
    show_product("\n".join(f"{name:{width}}  {value}" for name, value in rows.items()))
