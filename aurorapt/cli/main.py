"""The entry point of the command line."""

import sys
from typing import Any

import typer

from aurorapt.cli import classify, convert, demo, simulate, verify, weights  # noqa: F401  each adds its command
from aurorapt.cli.app import EXIT_USAGE, app
from aurorapt.machine.interruption import Interrupted

EXIT_INTERRUPTED = 130  # 128 + SIGINT, before a run has begun
USAGE_ERROR: Any = typer.BadParameter.__base__  # typer names only this one of its usage errors


def main() -> None:
    """Run the ``aurorapt`` command."""
    try:
        sys.exit(app(prog_name="aurorapt", standalone_mode=False))
    except Interrupted as interruption:
        sys.exit(interruption.exit_status)
    except USAGE_ERROR as error:
        typer.echo(f"aurorapt: {error.format_message().rstrip('.')}; see aurorapt -h", err=True)
        sys.exit(EXIT_USAGE)
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(EXIT_INTERRUPTED)
    except OSError as error:
        sys.exit(f"aurorapt: {error.strerror}")
