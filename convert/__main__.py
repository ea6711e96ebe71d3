"""Command line of the converter: ``python -m convert SOURCE -o FILE``."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from aurorapt.errors import AuroraptError, OptionError
from aurorapt.weights import Weights, read_weights, write_weights
from convert.conversion import convert_source
from convert.source import find_source

app = typer.Typer(add_completion=False, context_settings={"help_option_names": ["-h", "--help"]})


@app.command()
def convert(
    source: Annotated[Path, typer.Argument(help="CNN_model folder, or a Keras file.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="Weights file to write (.safetensors).")],
    classes: Annotated[str | None, typer.Option(help="Class names in order, with commas between.")] = None,
    elevation: Annotated[Path | None, typer.Option(help="Elevation map (.npy, 256 by 256, degrees).")] = None,
) -> None:
    """Convert a Keras image classifier to a weights file of aurorapt."""
    if not output.parent.is_dir():
        raise OptionError(f"--output {output}: its folder does not exist")
    weights = convert_source(find_source(source, classes, elevation))
    write_weights(output, weights)
    typer.echo(_summary(read_weights(output), output))


def _summary(weights: Weights, path: Path) -> str:
    lines = {
        "name": weights.name,
        "kind": weights.kind,
        "classes": ", ".join(weights.classes),
        "layers": len(weights.graph.nodes),
        "parameters": weights.parameter_count,
        "SHA-256": weights.sha256,
        "path": path,
    }
    return "\n".join(f"{key:<10} {value}" for key, value in lines.items())


def main() -> None:
    """Run the command; a known fault is one line on stderr, with exit status 2 for an option and 1 otherwise."""
    try:
        app()
    except AuroraptError as error:
        print(f"convert: {error}", file=sys.stderr)
        sys.exit(2 if isinstance(error, OptionError) else 1)


if __name__ == "__main__":
    main()
