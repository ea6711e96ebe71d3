"""A client of a Dask scheduler, whose own messages go to the log and never to the terminal."""

import asyncio
import importlib
import importlib.util
import logging
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from multiprocessing import resource_tracker
from typing import Any

from aurorapt.cluster.address import LocalWorkers
from aurorapt.errors import AuroraptError, one_line
from aurorapt.machine import interruption
from aurorapt.machine.extras import load_extra

# classes of distributed, which is loaded only when it is needed, and whose types change from version to version
Client = Any
Future = Any

log = logging.getLogger("aurorapt")

CONNECT_WITHIN = 5.0  # seconds
LEAVE_WITHIN = 1.5  # seconds; a scheduler that is gone never answers
CLOSE_WITHIN = 10.0  # seconds, for workers on this machine to end
LIBRARY_LOGGERS = ("distributed", "tornado", "asyncio")
# for workers that are started here: no limit but the machine's on memory, as for a run without them, and no look into
# the threads every 10 ms, which takes the interpreter from them
LOCAL_SETTINGS = {"distributed.worker.profile.enabled": False, "distributed.scheduler.worker-ttl": None}


@contextmanager
def connected(scheduler: str | LocalWorkers) -> Iterator[Client]:
    """Connect to a scheduler, or start one with its workers on this machine; in the end leave it, or end them.

    Raises
    ------
    OptionError
        If Dask is not installed.
    AuroraptError
        If the scheduler does not answer, or the workers do not start.
    """
    distributed = load_extra("distributed", "cluster", "--scheduler needs Dask")
    with ExitStack() as stack:
        stack.enter_context(_kept_from_the_terminal())
        try:
            if isinstance(scheduler, LocalWorkers):
                cluster = stack.enter_context(_started(distributed, scheduler))
                client = distributed.Client(cluster, set_as_default=False)
            else:
                client = distributed.Client(scheduler, timeout=CONNECT_WITHIN, set_as_default=False)
        except Exception as error:
            raise AuroraptError(_why_not_connected(scheduler, error)) from None
        stack.callback(_close, LEAVE_WITHIN, client.close)
        yield client


def _why_not_connected(scheduler: str | LocalWorkers, error: Exception) -> str:
    cause = " ".join(str(error).split()) or type(error).__name__
    if isinstance(scheduler, LocalWorkers):
        return one_line(f"--scheduler {scheduler}: the workers cannot be started: {cause}")
    if isinstance(error, (OSError, asyncio.TimeoutError)):
        return f"--scheduler {scheduler}: no scheduler answers there within {CONNECT_WITHIN:g} s; is it running?"
    return one_line(f"--scheduler {scheduler}: cannot connect: {cause}")


@contextmanager
def _started(distributed: Any, workers: LocalWorkers) -> Iterator[Any]:
    import dask

    # over TLS where that can be had: on a machine with other users, any of them could give these workers work
    security = distributed.Security.temporary() if importlib.util.find_spec("cryptography") else None
    with dask.config.set(LOCAL_SETTINGS):
        with _terminal_signals_blocked():  # workers inherit that: this process ends them in order
            cluster = distributed.LocalCluster(
                n_workers=workers.processes,
                threads_per_worker=workers.threads,
                processes=True,
                security=security,
                memory_limit=0,
                dashboard_address="127.0.0.1:0",
                scheduler_kwargs={"dashboard": False},
                silence_logs=logging.CRITICAL,
            )
        try:
            yield cluster
        finally:
            _close(CLOSE_WITHIN, cluster.close)


@contextmanager
def _terminal_signals_blocked() -> Iterator[None]:
    _start_resource_tracker()  # which lets them through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGHUP})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_resource_tracker() -> None:
    """Start what clears semaphores away behind processes that end at once, and have it do so without a warning."""
    sys.warnoptions.append("ignore:resource_tracker")
    try:
        resource_tracker.ensure_running()
    finally:
        sys.warnoptions.pop()


def _close(seconds: float, function: Callable[[], object]) -> None:
    """Call a function that may hang, and leave it behind when its time is over.

    Where a signal ends this process, that leaves no time for it, and kills the workers.
    """
    if interruption.has_come():
        return
    thread = threading.Thread(target=function, daemon=True)
    thread.start()
    thread.join(seconds)


class _ToTheLog(logging.Handler):
    """What hands the warnings of libraries on to this package's log, a line each, without their tracebacks."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)

    def emit(self, record: logging.LogRecord) -> None:
        log.log(record.levelno, "%s: %s", record.name, one_line(record.getMessage()))


@contextmanager
def _kept_from_the_terminal() -> Iterator[None]:
    """Let what Dask logs and warns of go to this package's log."""
    children = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in LIBRARY_LOGGERS]
    loggers = [logging.getLogger(name) for name in {*LIBRARY_LOGGERS, *children}]
    before = [(logger, logger.handlers[:], logger.propagate) for logger in loggers]
    for logger in loggers:
        logger.handlers[:] = [_ToTheLog()]
        logger.propagate = False
    show, warnings.showwarning = warnings.showwarning, _log_warning
    try:
        yield
    finally:
        warnings.showwarning = show
        for logger, handlers, propagate in before:
            logger.handlers[:], logger.propagate = handlers, propagate


def _log_warning(message: Warning | str, *_: object, **__: object) -> None:
    log.warning("%s", one_line(str(message)))
