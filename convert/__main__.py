"""Command line of the converter: ``aurorapt convert SOURCE``, and in the clone ``python -m convert`` too."""

import shutil
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from aurorapt.cli.app import PlainCommand
from aurorapt.errors import AuroraptError, OptionError, WeightsError, one_line
from aurorapt.weights.location import default_output, find_weights
from aurorapt.weights.weights_file import Weights, read_weights, write_weights

from .check import check_conversion
from .conversion import convert_source
from .source.blob import BASE_URL
from .source.published import fetch_published
from .source.source import Source, find_source

DOWNLOADS = ".published"  # beside the output, until it is written

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130  # 128 + SIGINT
USAGE_ERROR: Any = typer.BadParameter.__base__  # typer names only this one of its usage errors
EXAMPLES = (
    "aurorapt convert --published",
    "aurorapt convert CNN_model -o mine.safetensors",
    "aurorapt convert model.h5 --classes bad_viewing,no_aurora,other_aurora,pulsating --elevation T_angle.npy",
)

app = typer.Typer(
    add_completion=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.command(cls=PlainCommand, epilog="\n".join(EXAMPLES))
def convert(
    source: Annotated[Path | None, typer.Argument(help="CNN_model folder, or a Keras file.", metavar="SOURCE")] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            help="Weights file to write (.safetensors). [default: one that aurorapt classify uses from then on]",
        ),
    ] = None,
    classes: Annotated[str | None, typer.Option(help="Class names in order, with commas between.")] = None,
    elevation: Annotated[Path | None, typer.Option(help="Elevation map (.npy, 256 by 256, degrees).")] = None,
    check: Annotated[
        str | None, typer.Option(help="Compare with a .npz file (arrays x, y), or with the installed keras.")
    ] = None,
    published: Annotated[
        bool, typer.Option("--published", help="Fetch, prove and convert the files the original's authors published.")
    ] = False,
    base_url: Annotated[str | None, typer.Option(help="Mirror to fetch the published files from.")] = None,
) -> None:
    """Convert a Keras image classifier to a weights file of aurorapt."""
    if published and (source or classes or elevation):
        raise OptionError("--published takes no SOURCE, --classes or --elevation: it fetches all three")
    if base_url and not published:
        raise OptionError("--base-url goes with --published")
    if published:
        _convert_published(base_url or BASE_URL, output or default_output("published"), check)
    elif source is None:
        raise OptionError("give a SOURCE, or --published")
    else:
        found = find_source(source, classes, elevation)
        output = output or default_output("published" if found.published else "converted")
        _require_writable(output)
        _convert(found, output, check)


def _convert_published(base_url: str, output: Path, check: str | None) -> None:
    _require_writable(output)
    downloads = output.parent / DOWNLOADS
    fetch_published(base_url, downloads)
    _convert(find_source(downloads, classes=None, elevation=None), output, check)
    shutil.rmtree(downloads, ignore_errors=True)


def _convert(source: Source, output: Path, check: str | None) -> None:
    _require_apart(output, [*source.files, *([Path(check)] if check else [])])
    weights = convert_source(source)
    if check:
        result = check_conversion(weights, check, source.model)
        typer.echo(f"largest difference from {result['reference']}: {result['largest_difference']:.3g}")
        weights = replace(weights, provenance={**weights.provenance, "check": result})
    write_weights(output, weights)
    typer.echo(_summary(read_weights(output), output))


def _require_writable(output: Path) -> None:
    try:
        output.stat()  # `is_file` of Python 3.14 tells of no error, such as a name that is too long
        writable = output.is_file()
    except (FileNotFoundError, NotADirectoryError):
        writable = output.parent.is_dir()
    except OSError as error:
        raise OptionError(f"--output {output} cannot be written: {error.strerror}") from None
    if not writable:
        raise OptionError(f"--output {output} must name a file in a folder that exists")


def _require_apart(output: Path, files: list[Path]) -> None:
    """Refuse to write over what is read."""
    for file in files:
        if _are_same(output, file):
            raise OptionError(f"--output {output} would replace {file}, which is read; give it another name")


def _are_same(first: Path, second: Path) -> bool:
    try:
        return first.samefile(second)
    except OSError:  # one of them is not there
        return False


def _summary(weights: Weights, path: Path) -> str:
    lines = {
        "name": weights.name,
        "kind": weights.kind,
        "classes": ", ".join(weights.classes),
        "layers": len(weights.graph.nodes),
        "parameters": weights.parameter_count,
        "SHA-256": weights.sha256,
        "path": path,
        "default": _default(path),
    }
    return "\n".join(f"{key:<10} {value}" for key, value in lines.items())


def _default(path: Path) -> str:
    """Say whether a weights file is what ``aurorapt classify`` uses from now on."""
    try:
        default = find_weights()
    except WeightsError:  # AURORAPT_WEIGHTS names a file that is not there
        return "no; name this one with --weights"
    return "yes" if _are_same(path, default) else f"no, that is {default}; name this one with --weights"


def main(arguments: list[str] | None = None, command: str = "python -m convert") -> int:
    """Run the command.

    Parameters
    ----------
    arguments : in place of the process's own
    command : what the user calls it

    Returns
    -------
    exit status: 0, 1 for a fault of the input, 2 for one of the options, each told in one line on stderr
    """
    try:
        app(arguments, prog_name=command, standalone_mode=False)
    except USAGE_ERROR as error:
        print(one_line(f"convert: {error.format_message().rstrip('.')}; see {command} -h"), file=sys.stderr)
        return EXIT_USAGE
    except (KeyboardInterrupt, typer.Abort):
        return EXIT_INTERRUPTED
    except AuroraptError as error:
        print(one_line(f"convert: {error}"), file=sys.stderr)
        return EXIT_USAGE if isinstance(error, OptionError) else EXIT_FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main())
