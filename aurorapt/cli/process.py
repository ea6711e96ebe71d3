"""The process of a command: its streams, its signals, and its last word, which is one line whatever happens.

Nothing heavy is imported here: this is what still works where the rest of the program cannot even be loaded.
"""

import atexit
import errno
import faulthandler
import logging
import os
import sys
import threading
import warnings
from contextlib import suppress
from types import TracebackType
from typing import Any, NoReturn

from aurorapt.errors import one_line
from aurorapt.machine import interruption

EXIT_FAILED = 1
EXIT_USAGE = 2

log = logging.getLogger("aurorapt")
_exit_status = EXIT_FAILED  # unless `leave` says otherwise


def prepare_process() -> None:
    """Ready this process for a command, before anything heavy is imported."""
    interruption.end_on_signals(lambda: say("aurorapt: interrupted"))
    atexit.register(_end_at_last)
    _fill_closed_streams()
    sys.unraisablehook = _note_unraisable
    threading.excepthook = _note_thread_error
    sys.excepthook = _say_error
    warnings.showwarning = _say_warning
    # numpy's own threads are not needed, and where none can be started OpenBLAS raises SIGINT, or waits for ever
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")  # as standard error does: a name that is no text is no fault


def say(message: str) -> None:
    """Print one line on standard error; where that cannot be written, the exit status has to tell."""
    line = one_line(message) + "\n"
    with suppress(Exception):
        try:
            descriptor = sys.stderr.fileno()
        except (OSError, ValueError):  # no file
            sys.stderr.write(line)
        else:  # in one piece, and without Python's buffer, which a signal's handler may find in use
            os.write(descriptor, line.encode(errors="backslashreplace"))


def show(text: str) -> bool:
    """Print on standard output; where that cannot be written, say so, unless a reader has left, and return False."""
    try:
        print(text, flush=True)
    except (OSError, ValueError) as error:
        give_up_output(error)
        return False
    return True


def give_up_output(error: OSError | ValueError) -> None:
    """Say why standard output cannot be written, and let it swallow what is left, at the interpreter's end too."""
    if getattr(error, "errno", None) != errno.EPIPE:  # whoever reads no further, as head does, knows
        say(f"aurorapt: cannot write to standard output: {getattr(error, 'strerror', None) or error}")
    with suppress(OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.stdout.fileno())
        os.close(null)


def unexpected(error: BaseException) -> str:
    """Put into words an error that nobody foresaw."""
    if isinstance(error, MemoryError):
        what = "out of memory"
    elif isinstance(error, OSError) and error.errno == errno.ENOMEM:
        what = f"out of memory ({error})"
    else:
        what = f"unexpected error, {type(error).__name__}: {' '.join(str(error).split())}"
    if isinstance(error, ImportError):
        what += "; is memory limited (ulimit -v), or the installation damaged?"
    elif (isinstance(error, RuntimeError) and "start new thread" in str(error)) or isinstance(error, BlockingIOError):
        what += "; there is no room for more processes and threads (ulimit -u, ulimit -v)"
    return f"aurorapt: {what}"


def log_file() -> str | None:
    """Name the log file that is open, if one is."""
    return next((str(handler.path) for handler in log.handlers if hasattr(handler, "path")), None)


def trace_crashes(descriptor: int) -> None:
    """Let a crash of the interpreter itself, or of a library, write to a file where it happened; workers' too."""
    faulthandler.enable(descriptor)


def say_unexpected(error: BaseException) -> None:
    """Say an error that nobody foresaw in one line; its traceback goes to the log, if one is open."""
    with suppress(Exception):  # such as no memory for it
        log.error("unexpected error", exc_info=error)
    place = log_file()
    say(unexpected(error) + (f"; full traceback in {place}" if place else ""))


def leave(status: int) -> NoReturn:
    """End the process with an exit status, without a word from Python about streams that cannot be written."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError) as error:
        give_up_output(error)
        status = status or EXIT_FAILED
    global _exit_status
    _exit_status = status
    interruption.raise_no_more()
    sys.exit(status)


def _end_at_last() -> None:
    """End without taking the interpreter apart, in which time signals are no longer handled, and nothing is gained."""
    os._exit(_exit_status)


def _fill_closed_streams() -> None:
    """Open the null device in place of standard streams that are closed, lest a result take their numbers."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
    if sys.stdout is None:
        sys.stdout = open(1, "w", errors="backslashreplace", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", errors="backslashreplace", closefd=False)  # noqa: SIM115


def _note_unraisable(unraisable: Any) -> None:
    if not isinstance(unraisable.exc_value, interruption.Interrupted):
        log.error("ignored in %r", unraisable.object, exc_info=unraisable.exc_value)


def _note_thread_error(arguments: Any) -> None:
    log.error("in thread %s", arguments.thread, exc_info=arguments.exc_value)


def _say_warning(message: Warning | str, *_: object, **__: object) -> None:
    say(f"aurorapt: {message}")


def _say_error(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
    if interruption.has_come():
        interruption.end()
    say_unexpected(error)
