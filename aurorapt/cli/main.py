"""The entry point of the command line: signals first, then the program."""

import sys

from aurorapt.cli.process import EXIT_FAILED, leave, prepare_process, say_unexpected
from aurorapt.machine import interruption


def main() -> None:
    """Run the ``aurorapt`` command."""
    prepare_process()
    try:
        from aurorapt.cli.commands import run_command  # here, since this loads numpy and may fail

        status = run_command(sys.argv[1:])
    except SystemExit as end:  # of shell completion
        status = end.code if isinstance(end.code, int) else EXIT_FAILED
    except BaseException as error:
        if interruption.has_come():  # whatever became of its exception
            interruption.end()
        say_unexpected(error)
        status = EXIT_FAILED
    leave(status)
