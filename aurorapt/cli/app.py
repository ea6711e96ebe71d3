"""What all commands share: the Typer application, its help, exit statuses, and errors told in one line."""

import logging
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperCommand

from aurorapt import __version__
from aurorapt.cli.process import EXIT_FAILED, EXIT_USAGE, say, say_unexpected, show
from aurorapt.errors import AuroraptError, OptionError, WeightsError
from aurorapt.machine import interruption

USAGE_ERROR: Any = typer.BadParameter.__base__  # typer names only this one of its usage errors

Function = TypeVar("Function", bound=Callable[..., Any])

log = logging.getLogger("aurorapt")
app = typer.Typer(
    name="aurorapt",
    help="Find pulsating aurora in THEMIS all-sky camera archives.",
    epilog="See aurorapt COMMAND -h for the options of a command, with examples.",
    invoke_without_command=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


class PlainCommand(TyperCommand):
    """A command whose usage names its arguments plainly, and whose help ends with examples."""

    def format_usage(self, ctx: Any, formatter: Any) -> None:
        pieces = (re.sub("[{}]", "", piece).replace("......", "...") for piece in self.collect_usage_pieces(ctx))
        formatter.write_usage(ctx.command_path, " ".join(pieces))

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        with formatter.section("Examples"):
            for line in (self.epilog or "").splitlines():
                formatter.write(f"{'':{formatter.current_indent}}{line}\n")


@contextmanager
def one_line_errors() -> Iterator[None]:
    """Turn every error into one line on standard error and an exit status, and write it into the log.

    One of aurorapt's own explains itself; of any other the log has the traceback.
    """
    try:
        yield
    except (typer.Exit, typer.Abort, USAGE_ERROR):
        raise
    except Exception as error:
        if interruption.has_come():  # and was made into this one by a library
            raise
        if not isinstance(error, AuroraptError):
            say_unexpected(error)
            raise typer.Exit(EXIT_FAILED) from None
        log.error("%s", error)
        say(f"aurorapt: {error}")
        raise typer.Exit(EXIT_USAGE if isinstance(error, (OptionError, WeightsError)) else EXIT_FAILED) from None


def command(name: str, *examples: str) -> Callable[[Function], Function]:
    """Make a function the command of that name, whose errors are one line each; the examples end its help."""

    def add(function: Function) -> Function:
        guarded = one_line_errors()(function)
        return app.command(name, cls=PlainCommand, epilog="\n".join(examples))(guarded)

    return add


def show_product(text: str) -> None:
    """Print what a command is run for.

    Raises
    ------
    typer.Exit
        Where that cannot be written.
    """
    if not show(text):
        raise typer.Exit(EXIT_FAILED)


def _show_version(wanted: bool) -> None:
    if wanted:
        show_product(f"aurorapt {__version__}")
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
        show_product(context.get_help())
