"""SIGTERM and Ctrl-C end the process at once and in order: nothing half written, no process left behind."""

import multiprocessing
import os
import signal
import threading
import time
from types import FrameType

END_WITHIN = 2.0  # seconds, after which the process ends whatever still waits in it


class Interrupted(KeyboardInterrupt):
    """SIGTERM or Ctrl-C.

    Attributes
    ----------
    exit_status : 128 and the signal's number, as shells have it
    """

    def __init__(self, number: int) -> None:
        super().__init__()
        self.exit_status = 128 + number


def raise_on_signals() -> None:
    """Let the first SIGTERM or SIGINT raise `Interrupted` in the main thread, and end the process soon after."""
    process = os.getpid()
    read_end, write_end = os.pipe()
    interrupted = False

    def handle(number: int, frame: FrameType | None) -> None:
        nonlocal interrupted
        if os.getpid() != process:  # a worker that was forked this moment
            os._exit(128 + number)
        if not interrupted:
            interrupted = True
            os.write(write_end, bytes([number]))
            raise Interrupted(number)

    # started now: a thread cannot safely be started in a signal's handler
    threading.Thread(target=_see_to_the_end, args=(read_end,), daemon=True).start()
    signal.signal(signal.SIGINT, handle)
    signal.signal(signal.SIGTERM, handle)


def _see_to_the_end(read_end: int) -> None:
    (number,) = os.read(read_end, 1)
    time.sleep(END_WITHIN)
    for child in multiprocessing.active_children():
        child.kill()
    os._exit(128 + number)
