"""All commands, and one of them run."""

from collections.abc import Sequence

import typer

from aurorapt.cli import (  # noqa: F401  each adds its command
    classify,
    compare,
    convert,
    demo,
    download,
    events,
    movie,
    plot,
    report,
    simulate,
    summary,
    verify,
    weights,
)
from aurorapt.cli.app import USAGE_ERROR, app
from aurorapt.cli.process import EXIT_FAILED, EXIT_USAGE, give_up_output, say


def run_command(arguments: Sequence[str]) -> int:
    """Run a command as it would be typed, and give its exit status."""
    try:
        return app(list(arguments), prog_name=app.info.name, standalone_mode=False) or 0
    except typer.Exit as end:
        return end.exit_code
    except USAGE_ERROR as error:
        command = error.ctx.command_path if error.ctx else app.info.name
        say(f"aurorapt: {error.format_message().rstrip('.')}; see {command} -h")
        return EXIT_USAGE
    except OSError as error:  # commands say their own
        give_up_output(error)
        return EXIT_FAILED
    except typer.Abort:
        return EXIT_FAILED
