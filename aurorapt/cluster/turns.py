"""Many at a time, or one alone."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Turns:
    """What the threads of a process take: a turn beside others, or one alone, for which no further ones begin."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running = 0
        self._want_alone = 0

    @contextmanager
    def turn(self, alone: bool) -> Iterator[None]:
        """Wait for a turn and take it."""
        with self._changed:
            self._want_alone += alone
            self._changed.wait_for(lambda: not self._running if alone else not self._want_alone)
            self._running += 1
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._want_alone -= alone
                self._changed.notify_all()
