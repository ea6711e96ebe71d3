"""The loader's workers supervised: what a dead or stuck one had under way is done again, once and in its place.

A DataLoader one of whose workers is gone gives nothing any more. So another one is made, which is first given the jobs
that were handed out and have not come back, by one worker and thus one at a time: a worker that dies at one of them
then says whose fault it is.
"""

import logging
import multiprocessing
import signal
import threading
import warnings
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any

from aurorapt.archive.camera_nights import Problem
from aurorapt.errors import AuroraptError
from aurorapt.loader.dataset import JOBS_AHEAD, Job, MinuteDataset, PreparedMinute, minute_loader

log = logging.getLogger(__name__)

MOST_DEATHS = 3  # of workers at one file, known to be at that one
HOPELESS_DEATHS = 15  # one after another, nothing read in between; bad files beside each other cost three each
STUCK_MARGIN = 30.0  # seconds beyond the limits in which a worker itself gives up the two copies of a minute
KILL_PATIENCE = 1.0  # seconds; a process that waits for a dead disk does not end even when killed


class _WorkerDiedError(Exception):
    pass


class _WorkerStuckError(Exception):
    pass


def prepared_minutes(
    jobs: Iterable[Job],
    dataset: MinuteDataset,
    workers: int,
    before_start: Callable[[], None] = lambda: None,
) -> Generator[PreparedMinute, None, None]:
    """Prepare jobs in worker processes, and give them back in their order, each exactly once.

    A job at which workers die three times when given it alone, or whose worker neither ends nor answers, comes back
    with a problem that may pass. Close the iterator to end the workers at once.

    Parameters
    ----------
    jobs : consumed lazily, in this process, some jobs a worker ahead
    dataset : for reading and preprocessing one job
    workers : processes; with 0 this process reads, and nothing is supervised
    before_start : called before worker processes are started

    Raises
    ------
    AuroraptError
        If workers die whatever they are given.

    Notes
    -----
    Called in the main thread, as always from the command line, this notices a death at once. In another thread, where
    signals cannot be used, it takes some seconds, and a worker killed in the middle of handing over an item is not
    noticed at all.
    """
    if workers == 0:
        yield from minute_loader(jobs, dataset, 0)
        return
    supervisor = _Supervisor(jobs, dataset, workers, before_start)
    try:
        while (prepared := supervisor.next_minute()) is not None:
            yield prepared
    finally:
        supervisor.close()


class _Supervisor:
    def __init__(
        self, jobs: Iterable[Job], dataset: MinuteDataset, workers: int, before_start: Callable[[], None]
    ) -> None:
        self.jobs = iter(jobs)
        self.dataset = dataset
        self.worker_count = workers
        self.before_start = before_start
        self.under_way: deque[Job] = deque()  # handed to the loader and not come back, oldest first
        self.again: deque[Job] = deque()  # to be handed out once more
        self.fault_of_jobs: OSError | None = None
        self.one_at_a_time = False
        self.deaths: Counter[Job] = Counter()
        self.deaths_in_a_row = 0
        self.items: Iterator[PreparedMinute] | None = None
        self.workers: list[BaseProcess] = []
        self.listening = False
        self.previous_handler: Any = None

    def next_minute(self) -> PreparedMinute | None:
        """Give the next job in order, or None after the last."""
        while True:
            try:
                prepared = self.wait()
            except _WorkerDiedError:
                stuck = False
            except _WorkerStuckError:
                stuck = True
            else:
                if prepared is not None:
                    self.forget_oldest()
                    self.deaths_in_a_row = 0
                    return prepared
                self.stop()
                if not self.one_at_a_time:
                    return None
                self.one_at_a_time = False  # what was lost has come; from here on all workers share the work again
                continue
            given_up = self.give_up_stuck() if stuck else self.count_death()
            self.again.extendleft(reversed(self.under_way))
            self.under_way.clear()
            self.one_at_a_time = bool(self.again)
            if given_up is not None:
                return given_up

    def start(self) -> None:
        self.before_start()
        count = 1 if self.one_at_a_time else self.worker_count
        timeout = 2 * self.dataset.file_timeout + STUCK_MARGIN
        others = set(multiprocessing.active_children())
        with warnings.catch_warnings():
            # torch warns of more workers than processors, which whoever asks for them knows
            warnings.filterwarnings("ignore", message="This DataLoader will create")
            # Python from 3.12 on warns of any thread that is there; `before_start` sees to it that none holds a lock
            warnings.filterwarnings("ignore", message=".*use of fork", category=DeprecationWarning)
            try:
                jobs_ahead = 1 if self.one_at_a_time else JOBS_AHEAD
                self.items = iter(minute_loader(self.hand_out(), self.dataset, count, timeout, jobs_ahead))
            except OSError as error:  # no semaphores without a writable /dev/shm, no room for a process
                if error is self.fault_of_jobs:
                    raise
                raise AuroraptError(
                    f"worker processes cannot be started: {error.strerror}; is /dev/shm there and writable, "
                    "and may this user start more processes? --workers 0 needs none"
                ) from error
            finally:
                self.workers = [child for child in multiprocessing.active_children() if child not in others]
                self.take_signal()

    def take_signal(self) -> None:
        """Let the end of a child interrupt this process where it waits for workers, and nowhere else.

        Torch's own handler, which the loader has just set, raises wherever it finds the main thread: also while that
        walks the archive or writes results.
        """
        if not hasattr(signal, "SIGCHLD") or threading.current_thread() is not threading.main_thread():
            return
        previous = signal.signal(signal.SIGCHLD, self.on_signal)
        if self.previous_handler is None:
            self.previous_handler = previous

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        if self.listening:
            self.check_workers()

    def hand_out(self) -> Iterator[Job]:
        source = (self.again.popleft() for _ in range(len(self.again))) if self.one_at_a_time else self.jobs
        while True:
            with self.undisturbed():
                try:
                    job = next(source, None)
                except OSError as error:
                    self.fault_of_jobs = error
                    raise
                if job is None:
                    return
                self.under_way.append(job)
            yield job

    @contextmanager
    def undisturbed(self) -> Iterator[None]:
        listening, self.listening = self.listening, False
        try:
            yield
        finally:
            self.listening = listening

    def wait(self) -> PreparedMinute | None:
        """Give the next item of the loader, or None after the last; where this raises, nothing under way has come."""
        try:
            if self.items is None:
                self.start()
            assert self.items is not None
            self.listening = True
            self.check_workers()
            return next(self.items, None)
        except RuntimeError as error:
            message = str(error)
            if self.has_dead_worker() or message.startswith("DataLoader worker (pid"):
                raise _WorkerDiedError from error
            if message.startswith("DataLoader timed out"):
                raise _WorkerStuckError from error
            raise
        finally:
            self.listening = False

    def check_workers(self) -> None:
        if self.has_dead_worker():
            raise _WorkerDiedError

    def has_dead_worker(self) -> bool:
        # after the last job the loader itself ends its workers
        return bool(self.under_way) and not all(worker.is_alive() for worker in self.workers)

    def count_death(self) -> PreparedMinute | None:
        """Stop the workers after one has died, and give the job that has cost too many by now, if one has."""
        end = _end_of(self.workers)
        self.stop()
        files = ", ".join(str(job.minute_file.path) for job in self.under_way if job.minute_file)
        log.warning("a worker process died (%s); workers are started again, at %s", end, files or "the next file")
        self.deaths_in_a_row += 1
        if self.deaths_in_a_row >= HOPELESS_DEATHS:
            raise AuroraptError(
                f"{HOPELESS_DEATHS} worker processes died one after another ({end}), whatever they read; "
                "is memory short? the same command goes on from here"
            )
        if self.one_at_a_time and self.under_way:  # only then is it known at which file the worker died
            self.deaths[self.under_way[0]] += 1
            if self.deaths[self.under_way[0]] < MOST_DEATHS:
                return None
            return self.give_up_oldest(f"{MOST_DEATHS} worker processes died at it ({end})")
        return None

    def give_up_stuck(self) -> PreparedMinute:
        """Stop the workers, the oldest job of which does not come, and give that job."""
        self.stop()
        reason = f"its worker process did not answer within {2 * self.dataset.file_timeout + STUCK_MARGIN:g} s"
        log.warning("%s: %s; workers are started again", self.under_way[0].night, reason)
        return self.give_up_oldest(reason)

    def give_up_oldest(self, reason: str) -> PreparedMinute:
        job = self.forget_oldest()
        problems = [Problem(str(job.minute_file.path), reason, may_pass=True)] if job.minute_file else []
        return PreparedMinute(job, problems=problems)

    def forget_oldest(self) -> Job:
        job = self.under_way.popleft()
        self.deaths.pop(job, None)
        return job

    def stop(self) -> None:
        """End the workers at once, whatever they do."""
        for worker in self.workers:
            worker.kill()
        for worker in self.workers:
            worker.join(KILL_PATIENCE)
        self.workers = []
        # Where a worker was killed with a lock in its hands, the loader's own clean-up waits for ever: let a thread.
        loader, self.items = [self.items], None
        cleaner = threading.Thread(target=loader.clear, daemon=True)
        cleaner.start()
        cleaner.join(KILL_PATIENCE)

    def close(self) -> None:
        self.stop()
        if self.previous_handler is not None:
            signal.signal(signal.SIGCHLD, self.previous_handler)


def _end_of(workers: Iterable[BaseProcess]) -> str:
    """Say in words how the workers that have ended did so."""
    # those that ended with 0 were told to, by a loader that found another one dead while it was being made
    codes = {worker.exitcode for worker in workers if worker.exitcode}
    names = [signal.Signals(-code).name if code < 0 else f"exit status {code}" for code in sorted(codes)]
    return ", ".join(names) or "cause unknown"
