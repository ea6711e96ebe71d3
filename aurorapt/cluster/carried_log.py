"""What is logged on a worker, carried to the log of the run."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

_lines: ContextVar["list[Line] | None"] = ContextVar("_lines", default=None)


@dataclass(frozen=True)
class Line:
    """One record of a log: what makes a `logging.LogRecord` of it again."""

    name: str
    level: int
    message: str
    created: float
    traceback: str
    process: int

    def log(self) -> None:
        """Log this here as it was logged there, unless that was here."""
        if self.process == os.getpid():
            return
        logger = logging.getLogger(self.name)
        content = {"name": self.name, "levelno": self.level, "levelname": logging.getLevelName(self.level)}
        content |= {"msg": self.message, "created": self.created, "exc_text": self.traceback}
        logger.handle(logging.makeLogRecord(content))


class _Keep(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        lines = _lines.get()
        if lines is None:
            return
        traceback = logging.Formatter().formatException(record.exc_info) if record.exc_info else ""
        lines.append(
            Line(record.name, record.levelno, record.getMessage(), record.created, traceback, record.process or 0)
        )


_keep = _Keep()


@contextmanager
def carried() -> Iterator[list[Line]]:
    """Keep what the package logs within, in this thread and in those that are given its context."""
    logger = logging.getLogger("aurorapt")
    logger.addHandler(_keep)  # which changes nothing where it is there
    if not logger.isEnabledFor(logging.INFO):
        logger.setLevel(logging.INFO)
    lines: list[Line] = []
    token = _lines.set(lines)
    try:
        yield lines
    finally:
        _lines.reset(token)
