"""The workers of a run: which were given its assignment, and which must not work for it."""

import logging
from collections.abc import Callable
from time import monotonic, sleep

from aurorapt.cluster.connection import Client
from aurorapt.cluster.worker import Answer, Assignment, assign
from aurorapt.errors import AuroraptError, one_line

log = logging.getLogger(__name__)

LOOK_EVERY = 0.2  # seconds, for the first worker
SAY_AFTER = 3.0  # seconds without a worker
COUNT_EVERY = 5.0  # seconds between two looks at how many there are


class Staff:
    """The workers of a run.

    Parameters
    ----------
    say : tells the user a line

    Attributes
    ----------
    refused : address of each worker that must not work for this run, and why
    """

    def __init__(self, client: Client, assignment: Assignment, say: Callable[[str], None]) -> None:
        self.refused: dict[str, str] = {}
        self._client = client
        self._assignment = assignment
        self._say = say
        self._assigned: set[str] = set()
        self._threads: dict[str, int] = {}
        self._counted = 0.0
        self._said = False

    @property
    def threads(self) -> int:
        """Number of threads of all workers that may work for this run, known some seconds late."""
        if monotonic() - self._counted > COUNT_EVERY:
            self.count()
        return sum(count for address, count in self._threads.items() if address not in self.refused)

    @property
    def addresses(self) -> set[str]:
        """Addresses of all workers, known as late as `threads`."""
        return set(self._threads)

    def count(self) -> None:
        """Look which workers there are."""
        self._threads = self._client.nthreads()
        self._counted = monotonic()
        self._assigned &= self._threads.keys()
        if self._threads:
            self._said = False

    def wait_for_one(self) -> None:
        """Wait until there is a worker, and say so where that takes time: a batch queue may be long."""
        started = monotonic()
        self.count()
        while not self._threads:
            if monotonic() - started > SAY_AFTER:
                self.say_that_none_is_there()
            sleep(LOOK_EVERY)
            self.count()

    def say_that_none_is_there(self) -> None:
        """Say once that the run waits for workers."""
        if not self._said:
            self._said = True
            message = f"no worker at {self._client.scheduler.address}; waiting for one"
            log.warning(message)
            self._say(message)

    def take_on(self) -> None:
        """Give the assignment to each worker that has not had it."""
        self.count()
        if new := sorted(self._threads.keys() - self._assigned - self.refused.keys()):
            # with on_error="return", what a worker raises comes back like an answer
            answers = self._client.run(assign, self._assignment, workers=new, on_error="return")
            for address, answer in answers.items():
                self._note(address, answer)

    def _note(self, address: str, answer: Answer | Exception) -> None:
        if isinstance(answer, OSError):
            return  # the worker has gone meanwhile
        if isinstance(answer, Exception):
            cause = one_line(f"{type(answer).__name__}: {answer}")
            self._refuse(address, f"{address} cannot take the run ({cause}); is the same aurorapt installed there?")
        elif answer.refusal is not None:
            self._refuse(address, f"{answer.process} {answer.refusal}")
        else:
            self._assigned.add(address)

    def _refuse(self, address: str, reason: str) -> None:
        self.refused[address] = reason
        log.warning("worker %s", reason)

    def forget(self, address: str) -> None:
        """Note that a worker does not know of the run, so that it is given the assignment again."""
        self._assigned.discard(address)

    def refuse_all_or_none(self) -> None:
        """Let no run begin while one of its workers is refused.

        Raises
        ------
        AuroraptError
            Naming the host, and why.
        """
        if self.refused:
            first, *others = self.refused.values()
            raise AuroraptError(f"worker {first}" + (f" (and {len(others)} more, see the log)" if others else ""))

    def permitted(self) -> list[str] | None:
        """Give the addresses that work may go to; None for all.

        Raises
        ------
        AuroraptError
            If no worker is left that may work.
        """
        if not self.refused:
            return None
        self.count()
        permitted = sorted(self._threads.keys() - self.refused.keys())
        if not permitted:
            raise AuroraptError(
                f"no worker is left that can work for this run: {next(reversed(self.refused.values()))}"
            )
        return permitted
