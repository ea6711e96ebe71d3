"""A limit in time for what the operating system may never answer."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TimeLimitError(BaseException):
    """The time is over; no ``Exception``, so that a library that tolerates everything lets it through."""


@contextmanager
def time_limit(seconds: float | None) -> Iterator[None]:
    """Interrupt what runs within, by an alarm signal, once it has taken so many seconds.

    A call that the operating system does not let signals interrupt, such as one that waits for a dead disk, goes on.
    Without effect where ``seconds`` is None, outside the main thread, and where there are no alarms (Windows).

    Raises
    ------
    TimeLimitError
        Where it is interrupted.
    """
    usable = hasattr(signal, "setitimer") and threading.current_thread() is threading.main_thread()
    if seconds is None or not usable:
        yield
        return
    previous = signal.signal(signal.SIGALRM, _raise)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    finally:
        signal.signal(signal.SIGALRM, previous)


def _raise(number: int, frame: FrameType | None) -> None:
    raise TimeLimitError
