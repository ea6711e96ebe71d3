"""The log file of a run."""

import json
import logging
import os
import shlex
import sys
from contextlib import suppress
from dataclasses import asdict
from datetime import datetime, timezone
from pathlib import Path

from aurorapt import __version__
from aurorapt.errors import OptionError, printable
from aurorapt.run.options import RunOptions
from aurorapt.run.run_summary import Summary
from aurorapt.weights.weights_file import SIMULATED_NOTICE

log = logging.getLogger("aurorapt")


class LogFile(logging.Handler):
    """A log file to which each line goes at once and whole, times in UTC.

    Parameters
    ----------
    path : file that is made, or appended to

    Attributes
    ----------
    descriptor : of the open file, -1 once it is closed
    ended : whether it says how the run ended
    fault : why it could not be written; empty for as long as it can
    """

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path
        self.fault = ""
        self.ended = False
        self.descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0), 0o666)
        self.setFormatter(_UtcFormatter("%(asctime)s %(levelname)s %(message)s"))

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; where that fails, remember why: the run goes on."""
        try:
            # names that are not valid text must not stop the log; nothing is kept in a buffer, which a signal may find
            line = memoryview((self.format(record) + "\n").encode("utf-8", "backslashreplace"))
            while line:
                line = line[os.write(self.descriptor, line) :]
        except Exception as error:
            self.fault = self.fault or getattr(error, "strerror", None) or f"{type(error).__name__}: {error}"

    def end(self, summary: Summary) -> None:
        """Log how the run ended, if that has not been done, and look whether all that was logged is there."""
        if self.ended:
            return
        self.ended = True
        log.info("end: %s", json.dumps(asdict(summary)))
        with suppress(OSError):
            if not self.path.exists() or not os.fstat(self.descriptor).st_nlink:
                self.fault = self.fault or "it was deleted during the run"

    def close(self) -> None:
        """Close the file."""
        super().close()
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


class _UtcFormatter(logging.Formatter):
    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  logging's name
        record.message = printable(record.message)
        return super().formatMessage(record)

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802  logging's name
        return datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")


def open_log(path: Path) -> LogFile:
    """Append what the package logs to a file, and show it nowhere else.

    Raises
    ------
    OptionError
        If that cannot be written.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_char_device():
            raise OptionError(f"--log-file {path} is not a file; name a file for the log")
        handler = LogFile(path)
    except OSError as error:
        raise OptionError(f"--log-file {path} cannot be written: {error.strerror}") from None
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False
    return handler


def log_start(options: RunOptions, scheduler: object = None) -> None:
    """Log what is about to be run, with what; where on a cluster, with which scheduler."""
    weights = options.weights
    log.info("start: aurorapt %s: %s", __version__, shlex.join(sys.argv[1:]))
    log.info("weights: %s (%s), SHA-256 %s", weights.name, weights.kind, weights.sha256)
    if weights.kind == "simulated":
        log.warning(SIMULATED_NOTICE)
    by = f"workers: {options.workers}" if scheduler is None else f"scheduler: {scheduler}"
    log.info("archive: %s; output: %s; %s", options.archive, options.output, by)
