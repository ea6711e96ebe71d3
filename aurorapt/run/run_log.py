"""The log file of a run."""

import logging
import shlex
import sys
from pathlib import Path

from aurorapt import __version__
from aurorapt.errors import OptionError
from aurorapt.run.options import RunOptions
from aurorapt.weights.weights_file import SIMULATED_NOTICE

log = logging.getLogger("aurorapt")


def open_log(path: Path) -> None:
    """Append what the package logs to a file, and show it nowhere else.

    Raises
    ------
    OptionError
        If that cannot be written.
    """
    try:
        if path.exists() and not path.is_file() and not path.is_char_device():
            raise OptionError(f"--log-file {path} is not a file; name a file for the log")
        # names that are not valid text must not stop the log
        handler = logging.FileHandler(path, encoding="utf-8", errors="backslashreplace")
    except OSError as error:
        raise OptionError(f"--log-file {path} cannot be written: {error.strerror}") from None
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    logging.raiseExceptions = False  # a log that cannot be written must not drown the terminal
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    log.propagate = False


def log_start(options: RunOptions) -> None:
    """Log what is about to be run, with what."""
    weights = options.weights
    log.info("start: aurorapt %s: %s", __version__, shlex.join(sys.argv[1:]))
    log.info("weights: %s (%s), SHA-256 %s", weights.name, weights.kind, weights.sha256)
    if weights.kind == "simulated":
        log.warning(SIMULATED_NOTICE)
    log.info("archive: %s; output: %s; workers: %d", options.archive, options.output, options.workers)
