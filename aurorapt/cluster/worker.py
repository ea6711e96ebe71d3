"""What a worker process of a cluster does for a run. Torch is loaded when it is known to be the right one."""

import asyncio
import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import monotonic
from typing import TYPE_CHECKING

from aurorapt.archive.camera_nights import CameraNight
from aurorapt.cluster.admission import Probe, this_process
from aurorapt.cluster.carried_log import Line, carried
from aurorapt.cluster.turns import Turns
from aurorapt.errors import AuroraptError, OptionError, OutputFullError
from aurorapt.machine.locks import Locks
from aurorapt.run.options import RunOptions
from aurorapt.run.run_summary import Summary

if TYPE_CHECKING:
    from aurorapt.cluster.night_work import NightWork

log = logging.getLogger(__name__)

STOP_WITHIN = 1.0  # seconds that a run which is stopped waits for its camera-nights to let go, after a batch or a file
LOOK_EVERY = 0.02  # seconds
ALONE_AFTER = 2  # processes that died at a camera-night; the third is not to take other camera-nights with it


@dataclass(frozen=True)
class Assignment:
    """What each worker process is given of a run, once.

    Attributes
    ----------
    run : name of the run, that of no other
    options : with absolute paths, and the weights
    weights_identity : what the weights must compute when they have arrived
    """

    run: str
    options: RunOptions
    weights_identity: str
    probe: Probe


@dataclass(frozen=True)
class Answer:
    """What a worker process says to an assignment: who it is, and why it cannot take it, if it cannot."""

    process: str
    refusal: str | None


@dataclass(frozen=True)
class Outcome:
    """What has become of a camera-night on a worker.

    Attributes
    ----------
    worker : address of the worker that was at it
    state : "done", also where it failed; "elsewhere": another run is at it; "unassigned": the process knows nothing of
        the run; "stopped"; "full": the output takes no more
    reason : of "full"
    summary : what was counted
    lines : that were logged
    """

    worker: str
    state: str
    reason: str = ""
    summary: Summary = field(default_factory=Summary)
    lines: list[Line] = field(default_factory=list)


class _StoppedError(BaseException):
    """The run is stopped; no ``Exception``, so that what tolerates everything lets it through."""


class _Duty:
    """What this process does for one run.

    ``under_way`` : share of each camera-night that is read, and its frames that are classified
    """

    def __init__(self, assignment: Assignment, work: "NightWork") -> None:
        self.run = assignment.run
        self.output = assignment.options.output
        self.work = work
        self.stopped = False
        self.turns = Turns()
        self.under_way: dict[CameraNight, tuple[float, int]] = {}

    def check(self) -> None:
        if self.stopped:
            raise _StoppedError

    def show(self, night: CameraNight, share: float, frames: int) -> None:
        self.check()  # minute files may be short, and many of them in a batch
        self.under_way[night] = share, frames

    def finish(self, night: CameraNight, frames: int) -> None:
        """Do nothing: the outcome tells."""

    @contextmanager
    def at_work(self, night: CameraNight) -> Iterator[None]:
        self.under_way[night] = 0.0, 0
        try:
            with self.turns.turn(alone=self._deaths(night) >= ALONE_AFTER):
                self.check()
                yield
        finally:
            self.under_way.pop(night, None)

    def _deaths(self, night: CameraNight) -> int:
        from aurorapt.run.pending_nights import lock_path

        return Locks(self.run).deaths(lock_path(self.output, night))


_duties: dict[str, _Duty] = {}
_assigning = threading.Lock()


async def assign(assignment: Assignment) -> Answer:
    """Take an assignment, if this process may work for the run, and make the engine for it."""
    return Answer(this_process(), await asyncio.to_thread(_why_refused, assignment))


def _why_refused(assignment: Assignment) -> str | None:
    refusal = assignment.probe.why_refused()
    if refusal is not None:
        return refusal
    weights = replace(assignment.options.weights)  # a copy, which does not know yet what the weights compute
    if weights.identity != assignment.weights_identity:
        return "was sent weights that have arrived damaged"
    with _assigning:
        if assignment.run in _duties:
            return None
        for run, duty in list(_duties.items()):
            if not duty.under_way:  # of another run, perhaps one that was killed; it is given again when it is needed
                _duties.pop(run, None)
        from aurorapt.cluster.night_work import NightWork  # loads torch

        try:
            _duties[assignment.run] = _Duty(assignment, NightWork(assignment.options))
        except OptionError as error:
            return f"cannot work for this run: {error}"
    return None


def classify_on_worker(run: str, night: CameraNight) -> Outcome:
    """Classify one camera-night of a run in this thread."""
    from distributed import get_worker

    address = get_worker().address
    duty = _duties.get(run)
    if duty is None:
        return Outcome(address, "unassigned")
    summary = Summary()
    with carried() as lines:
        state, reason = _attempt(duty, night, summary)
    return Outcome(address, state, reason, summary, lines)


def _attempt(duty: _Duty, night: CameraNight, summary: Summary) -> tuple[str, str]:
    try:
        with duty.at_work(night):
            settled = duty.work.classify(night, duty.run, summary, duty, duty.check)
        return "done" if settled else "elsewhere", ""
    except _StoppedError:
        return "stopped", ""
    except OutputFullError as error:
        return "full", str(error)
    except AuroraptError as error:
        log.error("%s: failed: %s", night, error)
    except Exception as error:  # one camera-night, whatever it provokes, affects only itself
        log.error("%s: failed: unexpected error on %s", night, this_process(), exc_info=error)
    summary.failed += 1
    return "done", ""


def under_way(run: str) -> list[tuple[CameraNight, float, int]]:
    """Give the camera-nights that this process is at, with the share that is read and the frames classified."""
    duty = _duties.get(run)
    return [(night, *state) for night, state in list(duty.under_way.items())] if duty else []


async def dismiss(run: str) -> None:
    """End what this process does for a run: nothing more is begun or written; wait a moment until that is so."""
    duty = _duties.pop(run, None)
    if duty is None:
        return
    duty.stopped = True
    deadline = monotonic() + STOP_WITHIN
    while duty.under_way and monotonic() < deadline:
        await asyncio.sleep(LOOK_EVERY)
