"""The run: archive, loader, engine and results, one camera-night after another."""

import logging
import warnings
from collections import deque
from collections.abc import Iterable
from concurrent.futures import Future, wait
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from time import monotonic, sleep
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from aurorapt.archive.camera_nights import CameraNight
from aurorapt.classifier import Classifier
from aurorapt.engine.streams import Streams
from aurorapt.errors import OptionError, OutputFullError, ResultsError, counted, one_line
from aurorapt.images.texture import BlockMeans
from aurorapt.loader.dataset import MinuteDataset, PreparedMinute
from aurorapt.loader.supervisor import prepared_minutes
from aurorapt.machine.locks import Locks
from aurorapt.results import classifications
from aurorapt.results.tree import NOT_DONE
from aurorapt.run.found_nights import found_nights
from aurorapt.run.open_night import OpenNight
from aurorapt.run.options import Options, RunOptions, check_options
from aurorapt.run.pending_nights import PendingNights
from aurorapt.run.progress import Progress, RunProgress
from aurorapt.run.run_summary import Summary
from aurorapt.weights.weights_file import SIMULATED_NOTICE

if TYPE_CHECKING:
    from typing_extensions import Unpack

log = logging.getLogger(__name__)

LOOK_AGAIN_AFTER = 10.0  # seconds, at camera-nights that other runs are at


@dataclass
class _Batch:
    """Frames of one camera-night that are being classified; without times, the end of that camera-night."""

    current: OpenNight
    times: list[datetime] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    probabilities: "Future[NDArray[np.float32]] | None" = None


class _Classification:
    """Camera-nights on their way through loader, classifier and results."""

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
        self.streams.close()
        self.pending.close()

    def classify_nights(self, nights: Iterable[CameraNight]) -> None:
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


def minute_dataset(options: RunOptions, classifier: Classifier) -> MinuteDataset:
    """Make the dataset that reads and prepares minute files as the options say."""
    block_means = BlockMeans(options.weights.elevation_mask) if options.texture else None
    return MinuteDataset(classifier.preprocessor, options.file_timeout, options.salvage, block_means)


def classify_night(
    night: CameraNight,
    options: RunOptions,
    dataset: MinuteDataset,
    streams: Streams,
    summary: Summary,
    progress: Progress,
    locks: Locks,
) -> bool:
    """Classify one camera-night, or skip it where it is current.

    Parameters
    ----------
    dataset : as `minute_dataset` makes it
    streams : closed in the end
    summary : where to count what was done
    locks : closed in the end

    Returns
    -------
    Whether that is settled: False where another run is at it.

    Raises
    ------
    OutputFullError
        If the disk takes no more results.
    """
    classification = _Classification(options, dataset, streams, summary, progress, locks)
    with closing(classification):
        classification.classify_nights([night])
    return not classification.pending.elsewhere


def run(options: RunOptions, classifier: Classifier, summary: Summary, *, quiet: bool = False) -> None:
    """Classify what ``options`` name; the camera-nights that are current already are skipped.

    Parameters
    ----------
    options : as `aurorapt.run.options.check_options` gives them
    classifier : made with the same options, as `make_classifier` does
    summary : filled in while the run goes on, so that it says what was done also where an error ends the run
    quiet : show no progress bar

    Raises
    ------
    OutputFullError
        If the disk takes no more results; finished camera-nights stand.
    ArchiveError
        If the archive has gone.
    AuroraptError
        If worker processes die whatever they are given.
    """
    progress = RunProgress(options, quiet)
    streams = Streams(classifier.predict_visible, options.threads)
    dataset = minute_dataset(options, classifier)
    classification = _Classification(options, dataset, streams, summary, progress, Locks())
    with summary.timed(), closing(progress), closing(classification):
        classification.classify_nights(found_nights(options, summary))
        _wait_for_other_runs(classification, progress)


def _wait_for_other_runs(classification: _Classification, progress: RunProgress) -> None:
    """See to it that what other runs were found at is done; no lock is held meanwhile, as they may wait too."""
    pending = classification.pending
    if pending.elsewhere:
        progress.say_waiting(pending.elsewhere)
    while pending.elsewhere:
        sleep(LOOK_AGAIN_AFTER)
        nights, pending.elsewhere = pending.elsewhere, []
        classification.classify_nights(nights)


def make_classifier(options: RunOptions) -> Classifier:
    """Make the classifier that a run with these options takes.

    Raises
    ------
    OptionError
        If this processor does not compute in the precision.
    """
    return Classifier(options.weights, options.precision, options.batch_size, options.threads)


def classify(start: str | date, end: str | date, *, quiet: bool = True, **options: "Unpack[Options]") -> Summary:
    """Classify every frame of a date range and write one CSV per camera and night.

    Parameters
    ----------
    start, end : first and last UT date, both included, YYYY-MM-DD or a date
    quiet : show no progress bar
    stream0 : archive folder that holds the years, or a download root with THEMIS_ASI_RAW; default the environment's
        AURORAPT_STREAM0, else /stream0
    options : any other of `aurorapt.run.options.Options`, such as ``output``, ``weights``, ``sites`` or ``workers``

    Returns
    -------
    Summary
        What was done, in numbers.

    Raises
    ------
    OptionError, WeightsError
        If an option cannot be used; before anything is read, but for ``sites`` none of which is there.
    OutputFullError
        If the disk takes no more results; finished camera-nights stand.
    ArchiveError
        If the archive has gone.
    AuroraptError
        If worker processes die whatever they are given.

    Notes
    -----
    Where worker processes start by spawning (macOS, Windows), a script calls this below ``if __name__ == "__main__":``.

    Examples
    --------
    >>> summary = aurorapt.classify("2014-03-10", "2014-03-10", stream0="/data/stream0", output="results")
    >>> summary.written
    3
    """
    checked = check_options(start, end, **options)
    if checked.weights.kind == "simulated":
        warnings.warn(SIMULATED_NOTICE, stacklevel=2)
    summary = Summary(checked.weights.name, checked.weights.kind)
    run(checked, make_classifier(checked), summary, quiet=quiet)
    if summary.sites_not_found and not summary.camera_nights and not summary.failed:
        raise OptionError(summary.missing_sites())
    return summary
