"""Camera-nights on their way through loader, classifier and results."""

import logging
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, wait
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from aurorapt.archive.camera_nights import CameraNight
from aurorapt.engine.streams import Streams
from aurorapt.errors import OutputFullError, ResultsError, counted, one_line
from aurorapt.loader.dataset import MinuteDataset, PreparedMinute
from aurorapt.loader.supervisor import prepared_minutes
from aurorapt.machine.locks import Locks
from aurorapt.results import classifications
from aurorapt.results.tree import NOT_DONE
from aurorapt.run.open_night import OpenNight
from aurorapt.run.options import RunOptions
from aurorapt.run.pending_nights import PendingNights
from aurorapt.run.progress import Progress
from aurorapt.run.run_summary import Summary

log = logging.getLogger(__name__)


@dataclass
class _Batch:
    """Frames of one camera-night that are being classified; without times, the end of that camera-night."""

    current: OpenNight
    times: list[datetime] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    probabilities: "Future[NDArray[np.float32]] | None" = None


class NightsUnderWay:
    """What is read, classified and written of the camera-nights that a run has come to.

    Parameters
    ----------
    dataset : reads and prepares minute files
    streams : of ``options.threads``; closed in the end
    summary : where to count what was done
    locks : closed in the end
    """

    def __init__(
        self,
        options: RunOptions,
        dataset: MinuteDataset,
        streams: Streams,
        summary: Summary,
        progress: Progress,
        locks: Locks,
    ) -> None:
        self.options = options
        self.dataset = dataset
        self.streams = streams
        self.summary = summary
        self.progress = progress
        self.pending = PendingNights(options, summary, progress, locks)
        self.in_flight: deque[_Batch] = deque()

    def close(self) -> None:
        """Let go of threads and locks."""
        self.streams.close()
        self.pending.close()

    def classify_nights(self, nights: Iterable[CameraNight]) -> None:
        """Classify these, or skip what is current; those that another run is at are in ``pending.elsewhere`` then.

        Raises
        ------
        OutputFullError
            If the disk takes no more results.
        """
        with closing(
            prepared_minutes(self.pending.jobs(nights), self.dataset, self.options.workers, self.let_batches_end)
        ) as minutes:
            for prepared in minutes:
                self.receive(prepared)
        self.collect(most_in_flight=0)

    def let_batches_end(self) -> None:
        """Wait until no thread computes: what one had locked would stay so in a process that is forked just then."""
        wait([batch.probabilities for batch in self.in_flight if batch.probabilities is not None])

    def receive(self, prepared: PreparedMinute) -> None:
        """Take the next item of the loader: it belongs to the oldest camera-night that still gets items."""
        current = self.pending.opened[0]
        if prepared.job.minute_file is None:
            self.submit_waiting(current, at_least=1)
            self.in_flight.append(_Batch(current))
            self.pending.opened.popleft()
            return
        if current.minutes_done == 0:
            current.started = monotonic()
        current.minutes_done += 1
        current.problems.extend(prepared.problems)
        if prepared.visible is not None:
            files = [prepared.path] * len(prepared.times)
            current.waiting.extend(zip(prepared.times, files, prepared.visible, strict=True))
        if prepared.block_means is not None and current.block_means is not None:
            current.block_times.extend(prepared.times)
            current.block_means.append(prepared.block_means)
        if prepared.salvaged:
            current.salvaged.extend(prepared.times)
        self.submit_waiting(current, at_least=self.options.batch_size)
        self.progress.show(current.night, current.share_done, self.summary.frames)

    def submit_waiting(self, current: OpenNight, at_least: int) -> None:
        """Classify the waiting frames in batches that do not depend on where minute files begin and end."""
        size = self.options.batch_size
        count = len(current.waiting) // at_least * at_least
        if count == 0:
            return
        chosen, current.waiting = current.waiting[:count], current.waiting[count:]
        for start in range(0, count, size):
            times, files, frames = zip(*chosen[start : start + size], strict=True)
            self.in_flight.append(_Batch(current, list(times), list(files), self.streams.submit(np.stack(frames))))
            # so many more than threads that none of them waits for the next, whichever ends first
            self.collect(most_in_flight=2 * self.streams.threads + 2)

    def collect(self, most_in_flight: int) -> None:
        """Take what was classified, oldest first, until no more than so many batches are in flight."""
        while len(self.in_flight) > most_in_flight:
            batch = self.in_flight.popleft()
            if batch.probabilities is None:
                self.close_night(batch.current)
                self.progress.finish(batch.current.night, self.summary.frames)
                continue
            self.summary.frames += len(batch.times)
            # a copy in this thread's memory: kept where they were made, among the large blocks of the thread that
            # computes, the small arrays of a night would split those blocks, and memory would grow by gigabytes
            rows = batch.probabilities.result().copy()
            for time, file, row in zip(batch.times, batch.files, rows, strict=True):
                if np.isfinite(row).all():
                    batch.current.times.append(time)
                    batch.current.files.append(file)
                    batch.current.probabilities.append(row)
                else:
                    batch.current.not_finite.append(time)

    def close_night(self, current: OpenNight) -> None:
        try:
            self.write_night(current)
        finally:
            self.pending.locks.release(current.lock)

    def write_night(self, current: OpenNight) -> None:
        night = current.night
        try:
            night.folder.stat()
        except OSError as error:
            self.pending.fail(night, f"the folder {night.folder} has gone: {error.strerror}")
            return
        if not current.lock.is_held():
            log.warning("%s: another run has taken it over", night)
            self.pending.elsewhere.append(night)
            return
        try:
            companion = current.write(self.options)
            superseded = classifications.remove_superseded(self.options.output, night)
        except OutputFullError:
            raise
        except ResultsError as error:
            self.pending.fail(night, error)
            self.summary.unread += current.unread
            return
        self.summary.unread += current.unread
        for problem in companion.problems:
            log.warning("%s", one_line(f"{night}: problem: {problem['file']}: {problem['reason']}"))
        csv_file = classifications.csv_path(self.options.output, night)
        if superseded is not None:
            log.info("%s: removed %s, which %s replaces", night, superseded, csv_file.name)
        self.summary.written += 1
        if current.reason != NOT_DONE:
            self.summary.redone[current.reason] = self.summary.redone.get(current.reason, 0) + 1
        self.summary.rows += companion.rows
        self.summary.problems += len(companion.problems)
        counts = ", ".join(f"{name} {count}" for name, count in companion.counts.items())
        log.info(
            f"{night}: written {csv_file}: "
            f"{counted(companion.frames, 'frame')}, {counted(companion.rows, 'row')} ({counts}), "
            f"{counted(len(companion.problems), 'problem')}, {companion.seconds:.1f} s"
        )
