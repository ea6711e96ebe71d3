"""The ``aurorapt`` command, run as a user runs it or, at a hundredth of the cost, within this process."""

import contextlib
import gc
import io
import logging
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from unittest import mock

from aurorapt.cli.main import main

Done = subprocess.CompletedProcess[str]


def aurorapt(*arguments: object, **environment: str) -> Done:
    """Run the command as a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "aurorapt", *map(str, arguments)],
        env=clean_environment() | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def aurorapt_here(*arguments: object, **environment: str) -> Done:
    """Run the command within this process: all of it but what it does to its process for good.

    What only a process of its own shows is left to `aurorapt`: signals, the order of imports, what libraries print.
    """
    words = ["aurorapt", *map(str, arguments)]
    output = io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True)
    error = io.TextIOWrapper(io.BytesIO(), "utf-8", errors="backslashreplace", write_through=True)
    with (
        mock.patch.dict(os.environ, clean_environment() | environment, clear=True),
        mock.patch.object(sys, "argv", words),
        contextlib.redirect_stdout(output),
        contextlib.redirect_stderr(error),
        _process_left_as_it_was(),
    ):
        status = _status_of_main()
    return Done(words, status, *(stream.buffer.getvalue().decode() for stream in (output, error)))  # type: ignore[attr-defined]


def clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("AURORAPT_")}


def _status_of_main() -> int:
    """Give the exit status that the interpreter would give."""
    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
            return 1
        return end.code or 0
    return 0


def hear_signals() -> None:
    """Undo, in a process to be started, what nohup sets and a shell for its background; tests may run in both."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)


@contextlib.contextmanager
def _process_left_as_it_was() -> Iterator[None]:
    """Keep the run's hands off signals and memory, and take back what it does to logging."""
    logger = logging.getLogger("aurorapt")
    handlers, level, propagate = list(logger.handlers), logger.level, logger.propagate
    with (
        mock.patch("aurorapt.cli.main.prepare_process"),
        mock.patch("aurorapt.cli.classify.trace_crashes"),
        mock.patch("aurorapt.cli.classify.raise_on_signals"),
        mock.patch("aurorapt.cli.demo.raise_on_signals"),
        mock.patch("aurorapt.cli.download.raise_on_signals"),
        mock.patch("aurorapt.cli.movie.raise_on_signals"),
        mock.patch("aurorapt.cli.plot.raise_on_signals"),
        mock.patch("aurorapt.cli.report.raise_on_signals"),
        mock.patch("aurorapt.cli.simulate.raise_on_signals"),
        mock.patch("aurorapt.cli.classify.keep_freed_memory"),
        mock.patch.object(logging, "raiseExceptions", logging.raiseExceptions),
    ):
        try:
            yield
        finally:
            for handler in set(logger.handlers) - set(handlers):
                handler.close()
            logger.handlers[:] = handlers
            logger.setLevel(level)
            logger.propagate = propagate
            gc.unfreeze()
