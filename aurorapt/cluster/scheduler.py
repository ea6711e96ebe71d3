"""A run on a Dask cluster: its camera-nights handed to workers through a window, and what they say put together."""

import asyncio
import itertools
import logging
import queue
import threading
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from time import sleep

from aurorapt.archive.camera_nights import CameraNight
from aurorapt.cluster.address import LocalWorkers
from aurorapt.cluster.admission import probe
from aurorapt.cluster.connection import Client, Future, connected
from aurorapt.cluster.staff import Staff
from aurorapt.cluster.worker import STOP_WITHIN, Assignment, Outcome, classify_on_worker, dismiss, under_way
from aurorapt.errors import AuroraptError, OutputFullError
from aurorapt.run.found_nights import found_nights
from aurorapt.run.options import RunOptions
from aurorapt.run.pending_nights import LOOK_AGAIN_AFTER
from aurorapt.run.progress import RunProgress
from aurorapt.run.run_summary import Summary

log = logging.getLogger(__name__)

LOOK_EVERY = 1.0  # seconds, at the scheduler, where no camera-night ends
ANSWER_WITHIN = 0.4  # seconds; a signal ends this process after 2
ASK_EVERY = 5.0  # seconds, how far the workers are, for the progress bar; each time is a line in a worker's own log
RESULT_WITHIN = 30.0  # seconds, in which a worker hands over what it says, unless it dies then
MOST_LOSSES = 3  # times that Dask gives a camera-night up
HOPELESS_LOSSES = 15  # one after another, nothing done in between
LOST = "the scheduler is lost; the same command goes on after the last finished night"
PREFIX = "aurorapt_night"  # of Dask's keys: one family, so that the scheduler keeps no account of each


def window(threads: int) -> int:
    """Say how many camera-nights are given out at once: so few that memory does not grow with the archive."""
    return 4 * threads + 16


class _ClusterRun:
    def __init__(
        self, options: RunOptions, client: Client, staff: Staff, run: str, summary: Summary, progress: RunProgress
    ) -> None:
        self.options = options
        self.client = client
        self.staff = staff
        self.run = run
        self.summary = summary
        self.progress = progress
        self.given: dict[str, tuple[Future, CameraNight]] = {}
        self.tied: dict[str, set[str]] = {}  # what is given to some workers only, to their addresses
        self.ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self.elsewhere: list[CameraNight] = []
        self.losses: Counter[CameraNight] = Counter()
        self.losses_in_a_row = 0
        self.under_way: list[tuple[CameraNight, float, int]] = []
        self.closed = threading.Event()

    def execute(self, nights: Iterable[CameraNight]) -> None:
        if self.progress.is_shown:
            threading.Thread(target=self.ask_how_far, daemon=True).start()
        self.classify(nights)
        if self.elsewhere:
            self.progress.say_waiting(self.elsewhere)
        while self.elsewhere:
            sleep(LOOK_AGAIN_AFTER)
            again, self.elsewhere = self.elsewhere, []
            self.classify(again)

    def classify(self, nights: Iterable[CameraNight]) -> None:
        """Hand out camera-nights and take what becomes of them, until all are settled or elsewhere."""
        waiting = iter(nights)
        while True:
            most = window(self.staff.threads)
            if len(self.given) <= most // 2:
                self.hand_out(list(itertools.islice(waiting, most - len(self.given))))
            if not self.given:
                return
            self.receive()

    def hand_out(self, nights: Sequence[CameraNight]) -> None:
        """Hand out camera-nights, several in one go: Dask's scheduler keeps half a kilobyte of each go for ever."""
        if not nights:
            return
        keys = [f"{PREFIX}-{uuid.uuid4().hex}" for _ in nights]
        permitted = self.staff.permitted()
        futures = self.client.map(
            classify_on_worker,
            [self.run] * len(nights),
            nights,
            key=keys,
            pure=False,
            workers=permitted,
        )
        for key, future, night in zip(keys, futures, nights, strict=True):
            self.given[key] = future, night
            if permitted is not None:
                self.tied[key] = set(permitted)
            self.tell_of_end(future)

    def tell_of_end(self, future: Future) -> None:
        future.add_done_callback(self.ended.put)

    def receive(self) -> None:
        """Take what has ended by now; wait for it a moment."""
        try:
            ended = [self.ended.get(timeout=LOOK_EVERY)]
        except queue.Empty:
            ended = []
            if self.staff.threads:
                self.give_stranded_to_others()
            else:
                self.staff.say_that_none_is_there()
        while not self.ended.empty():
            ended.append(self.ended.get())
        self.check_scheduler()
        for future in ended:
            self.settle(future)
        for night, _, _ in self.under_way[:1]:
            frames = self.summary.frames + sum(frames for _, _, frames in self.under_way)
            self.progress.show(night, sum(share for _, share, _ in self.under_way), frames)

    def give_stranded_to_others(self) -> None:
        """Hand out anew what is tied to workers that have all gone: Dask would wait for them for ever."""
        stranded = [key for key, workers in self.tied.items() if workers.isdisjoint(self.staff.addresses)]
        if stranded:
            futures, nights = zip(*(self.take_back(key) for key in stranded), strict=True)
            self.client.cancel(futures, force=True)
            self.hand_out(nights)

    def take_back(self, key: str) -> tuple[Future, CameraNight]:
        self.tied.pop(key, None)
        return self.given.pop(key)

    def check_scheduler(self) -> None:
        """Tell whether the scheduler is there.

        Raises
        ------
        AuroraptError
            If it is not.
        """
        if self.client.status != "running":
            raise AuroraptError(LOST)

    def settle(self, future: Future) -> None:
        """Take what has become of a camera-night."""
        key = str(future.key)
        if key not in self.given:  # taken back
            return
        _, night = self.given[key]
        try:
            outcome: Outcome = future.result(timeout=RESULT_WITHIN)
        except (TimeoutError, asyncio.TimeoutError):  # which are two until Python 3.11
            # the worker died with what it had to say: Dask has the night done again, which finds it current
            self.tell_of_end(future)
            return
        except (Exception, asyncio.CancelledError) as error:
            self.take_back(key)
            self.check_scheduler()
            self.lose(night, error)
            return
        self.take_back(key)
        self.losses_in_a_row = 0
        for line in outcome.lines:
            line.log()
        self.summary.add(outcome.summary)
        if outcome.state == "done":
            self.losses.pop(night, None)
            self.progress.finish(night, self.summary.frames)
        elif outcome.state == "elsewhere":
            self.elsewhere.append(night)
        elif outcome.state == "full":
            raise OutputFullError(outcome.reason)
        else:
            self.staff.forget(outcome.worker)
            self.staff.take_on()
            self.hand_out([night])

    def lose(self, night: CameraNight, error: BaseException) -> None:
        """Have a camera-night done once more that Dask gave up, mostly as workers died while they had it."""
        self.losses[night] += 1
        self.losses_in_a_row += 1
        cause = f"{type(error).__name__}: {error}"
        if self.losses_in_a_row >= HOPELESS_LOSSES:
            raise AuroraptError(
                f"workers die whatever they are given ({cause}); is memory short? the same command goes on from here"
            )
        if self.losses[night] < MOST_LOSSES:
            log.warning("%s: lost by its worker, and given out again: %s", night, cause)
            self.staff.take_on()
            self.hand_out([night])
            return
        self.summary.failed += 1
        log.error("%s: failed: lost by its workers %d times: %s", night, MOST_LOSSES, cause)
        self.progress.finish(night, self.summary.frames)

    def ask_how_far(self) -> None:
        """Keep the progress bar moving within camera-nights."""
        while not self.closed.wait(ASK_EVERY):
            with suppress(Exception):  # it is only for show
                answers = self.client.run(under_way, self.run, on_error="ignore")
                self.under_way = [state for states in answers.values() for state in states]

    def close(self) -> None:
        """Have the workers drop what this run has given them, and wait a moment for it."""
        self.closed.set()
        if self.client.status == "running":
            stopper = threading.Thread(target=self.stop_workers, daemon=True)
            stopper.start()
            stopper.join(STOP_WITHIN + ANSWER_WITHIN)

    def stop_workers(self) -> None:
        with suppress(Exception):  # of what is gone already
            if self.given:
                self.client.cancel([future for future, _ in self.given.values()], force=True)
            self.client.run(dismiss, self.run, on_error="ignore")


def run_on_cluster(
    options: RunOptions, scheduler: str | LocalWorkers, summary: Summary, *, quiet: bool = False
) -> None:
    """Classify what ``options`` name on the workers of a Dask cluster; camera-nights that are current are skipped.

    Parameters
    ----------
    options : as `aurorapt.run.options.check_options` gives them; ``workers`` and ``threads`` are the cluster's affair
    scheduler : as `aurorapt.cluster.address.parse_scheduler` gives it
    summary : filled in while the run goes on, so that it says what was done also where an error ends the run
    quiet : show no progress bar

    Raises
    ------
    OptionError
        If Dask is not installed.
    OutputFullError
        If the disk takes no more results; finished camera-nights stand.
    AuroraptError
        If the scheduler does not answer or is lost, a worker is of another version or sees other disks, or workers die
        whatever they are given.
    """
    options = at_work(options)
    with ExitStack() as stack:
        progress = stack.enter_context(closing(RunProgress(options, quiet)))
        client = stack.enter_context(connected(scheduler))
        nights = found_nights(options, summary)
        first = next(nights, None)
        if first is None:
            return
        run = run_name()
        sample = stack.enter_context(probe(options.output, first))
        stack.enter_context(_loss_in_one_line(client))
        staff = Staff(client, Assignment(run, options, options.weights.identity, sample), progress.say)
        staff.wait_for_one()
        cluster_run = stack.enter_context(closing(_ClusterRun(options, client, staff, run, summary, progress)))
        staff.take_on()
        staff.refuse_all_or_none()
        log.info("threads of workers: %d", staff.threads)
        stack.enter_context(summary.timed())  # with the engines made, as a plain run begins
        cluster_run.execute(itertools.chain([first], nights))


@contextmanager
def _loss_in_one_line(client: Client) -> Iterator[None]:
    """Make one error of all that Dask raises when its scheduler is lost while it is asked something."""
    try:
        yield
    except (Exception, asyncio.CancelledError) as error:
        of_dask = type(error).__module__.partition(".")[0] == "distributed"
        if isinstance(error, AuroraptError) or not (of_dask or client.status != "running"):
            raise
        log.warning("%s: %s", type(error).__name__, error)
        raise AuroraptError(LOST) from None


def run_name() -> str:
    """Make a name that no other run has."""
    return uuid.uuid4().hex


def at_work(options: RunOptions) -> RunOptions:
    """Give the options as a worker takes them: with paths that do not depend on its folder, and one thread a night."""
    return replace(options, archive=options.archive.absolute(), output=options.output.absolute(), workers=0, threads=1)
