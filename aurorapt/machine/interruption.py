"""SIGTERM, Ctrl-C and a hang-up end the process at once and in order: nothing half written, no process left behind."""

import os
import queue
import signal
import sys
import threading
import time
import weakref
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import NoReturn

END_WITHIN = 2.0  # seconds, after which the process ends whatever still waits in it
SAY_WITHIN = 0.5  # seconds that a last word may take where it waits for what the rest of the process holds
BREATH = 0.01  # seconds in which whatever swallowed an exception is left behind


class Interrupted(BaseException):
    """A signal that ends the process; no ``Exception``, so that what tolerates everything lets it through.

    Nor is it a ``KeyboardInterrupt``, which command line libraries make into something else.

    Attributes
    ----------
    exit_status : 128 and the signal's number, as shells have it
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_status = 128 + number


class _Ending:
    """How this process ends on a signal.

    Attributes
    ----------
    exit_status : 128 and the number of the signal that has come, 0 before
    raising : whether a signal raises `Interrupted` in the main thread, or ends the process where it stands
    """

    def __init__(self, say: Callable[[], None]) -> None:
        self.say = say
        self.process = os.getpid()
        self.raising = False
        self.exit_status = 0
        self.raised: weakref.ref[Interrupted] | None = None
        self.swallowed = False
        self.said = threading.Lock()
        # its put may be called in a signal's handler and in a weak reference's callback
        self.news: queue.SimpleQueue[int] = queue.SimpleQueue()

    def handle(self, number: int, frame: FrameType | None) -> None:
        if os.getpid() != self.process:  # a worker that was forked this moment
            os._exit(128 + number)
        first = not self.exit_status
        if first:
            self.exit_status = 128 + number
            self.news.put(number)
        if self.raising and (first or self.swallowed):
            self.swallowed = False
            raise self.interrupted()  # by no name of this frame, which would keep it alive
        if first:
            self.end()

    def interrupted(self) -> Interrupted:
        interrupted = Interrupted(self.exit_status - 128)
        self.raised = weakref.ref(interrupted, self.note_swallowed)
        return interrupted

    def note_swallowed(self, _: object) -> None:
        """Have the signal sent again: the exception is gone, and yet this process still runs.

        A ``__del__``, a callback of C code and a bare ``except`` of a library that is being imported do that to it.
        """
        self.swallowed = True
        self.news.put(0)

    def see_to_the_end(self) -> None:
        number = self.news.get()
        deadline = time.monotonic() + END_WITHIN
        while (left := deadline - time.monotonic()) > 0:
            with suppress(queue.Empty, AttributeError, ProcessLookupError):  # without that function: Windows
                self.news.get(timeout=left)
                time.sleep(BREATH)
                signal.pthread_kill(threading.main_thread().ident or 0, number)
        # in a thread of its own, as it may wait for a lock of the thread that does not end
        with suppress(RuntimeError):
            speaker = threading.Thread(target=self.say_once, daemon=True)
            speaker.start()
            speaker.join(SAY_WITHIN)
        self.leave()

    def end(self) -> NoReturn:
        self.raising = False
        self.say_once()
        self.leave()

    def say_once(self) -> None:
        if self.said.acquire(blocking=False):
            with suppress(Exception):
                self.say()

    def leave(self) -> NoReturn:
        try:
            if "multiprocessing" in sys.modules:
                import multiprocessing

                for child in multiprocessing.active_children():
                    child.kill()
        finally:
            os._exit(self.exit_status)


_ending: _Ending | None = None


def end_on_signals(say: Callable[[], None] = lambda: None) -> None:
    """Let the first SIGTERM, SIGINT or SIGHUP end the process: at once, while there is nothing to put in order.

    A hang-up that is ignored, as under nohup, stays so.

    Parameters
    ----------
    say : what to say and write down at last; called once
    """
    global _ending
    _ending = _Ending(say)
    # Started now: a thread cannot safely be started in a signal's handler. Where none can, there is no limit in time.
    with suppress(RuntimeError):
        threading.Thread(target=_ending.see_to_the_end, daemon=True).start()
    signal.signal(signal.SIGINT, _ending.handle)
    signal.signal(signal.SIGTERM, _ending.handle)
    if hasattr(signal, "SIGHUP") and signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _ending.handle)


def say_at_the_end(say: Callable[[], None]) -> None:
    """Say something else from now on when a signal ends the process."""
    if _ending is not None:
        _ending.say = say


def raise_on_signals() -> None:
    """Let the first signal raise `Interrupted` in the main thread from now on, and end the process soon after.

    It is raised again where something swallowed it.
    """
    if _ending is None:
        end_on_signals()
    assert _ending is not None
    _ending.raising = True


def raise_no_more() -> None:
    """Let a signal end the process at once again: everything is in order."""
    if _ending is not None:
        _ending.raising = False


def has_come() -> bool:
    """Tell whether a signal has come that ends this process."""
    return _ending is not None and bool(_ending.exit_status)


def end() -> NoReturn:
    """End the process as the signal that `has_come` demands: say so, leave no child, take its exit status."""
    assert _ending is not None
    _ending.end()
