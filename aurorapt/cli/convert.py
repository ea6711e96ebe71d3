"""``aurorapt convert``: a Keras classifier to a weights file."""

from importlib import import_module
from pathlib import Path

import typer

import aurorapt
from aurorapt.cli.app import app, one_line_errors
from aurorapt.errors import AuroraptError

PACKAGE = Path(aurorapt.__file__).parent


@app.command(
    "convert",
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
def convert(context: typer.Context) -> None:
    """Convert a Keras image classifier to a weights file."""
    # an installed package has the converter in itself; in a clone its folder lies beside the package
    if not (PACKAGE / "convert").is_dir() and str(PACKAGE.parent) not in aurorapt.__path__:
        aurorapt.__path__.append(str(PACKAGE.parent))
    with one_line_errors():
        try:
            converter = import_module("aurorapt.convert.__main__")
        except ModuleNotFoundError as error:
            if error.name != "h5py":
                raise
            raise AuroraptError("convert needs the package h5py: pip install 'aurorapt[convert]'") from None
    raise typer.Exit(converter.main(context.args, "aurorapt convert"))
