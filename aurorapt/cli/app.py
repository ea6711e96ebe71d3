"""What all commands share: the Typer application, exit statuses, and errors told in one line."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from aurorapt import __version__
from aurorapt.errors import AuroraptError, OptionError, WeightsError, one_line

EXIT_FAILED = 1
EXIT_USAGE = 2

log = logging.getLogger("aurorapt")
app = typer.Typer(
    name="aurorapt",
    help="Find pulsating aurora in THEMIS all-sky camera archives.",
    invoke_without_command=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn an error of aurorapt into one line on standard error and in the log, and an exit status."""
    try:
        yield
    except AuroraptError as error:
        log.error("%s", error)
        typer.echo(one_line(f"aurorapt: {error}"), err=True)
        raise typer.Exit(EXIT_USAGE if isinstance(error, (OptionError, WeightsError)) else EXIT_FAILED) from None


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"aurorapt {__version__}")
        raise typer.Exit


@app.callback()
def _app(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version and exit."),
    ] = False,
) -> None:
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
