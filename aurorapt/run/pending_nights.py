"""The camera-nights that are to be done: found in the archive, locked, and handed out as jobs."""

import logging
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

from aurorapt.archive.camera_nights import CameraNight
from aurorapt.archive.night_listing import NightListing, list_minute_files
from aurorapt.errors import ArchiveError, OutputFullError, ResultsError, WorseResultsError
from aurorapt.loader.dataset import Job
from aurorapt.machine.locks import Locks
from aurorapt.machine.whole_files import remove_leftovers
from aurorapt.results import classifications
from aurorapt.results.beside import beside_paths, probabilities_path, texture_path
from aurorapt.results.companion import companion_path
from aurorapt.results.tree import NOT_DONE, UNREAD, Result
from aurorapt.run.open_night import OpenNight
from aurorapt.run.options import RunOptions
from aurorapt.run.progress import Progress
from aurorapt.run.run_summary import Summary
from aurorapt.run.worth import refuse_simulated_weights

log = logging.getLogger(__name__)

LOOK_AGAIN_AFTER = 10.0  # seconds, at camera-nights that other runs are at
MOST_DEATHS = 3  # of processes of a run of several at one camera-night, which is given up then


def lock_path(output: Path, night: CameraNight) -> Path:
    """Give the path of the lock of a camera-night."""
    csv_file = classifications.csv_path(output, night)
    return csv_file.with_name(f".{night.date:%Y%m%d}_{night.camera}.lock")


class PendingNights:
    """The camera-nights of a run that are not done yet.

    Parameters
    ----------
    summary : where to count what is current and failed
    locks : of the run

    Attributes
    ----------
    opened : those that are locked by this run and whose minutes are not all read, oldest first
    elsewhere : those that are locked by other runs
    """

    def __init__(self, options: RunOptions, summary: Summary, progress: Progress, locks: Locks) -> None:
        self.options = options
        self.summary = summary
        self.progress = progress
        self.locks = locks
        self.opened: deque[OpenNight] = deque()
        self.elsewhere: list[CameraNight] = []

    def jobs(self, nights: Iterable[CameraNight]) -> Iterator[Job]:
        """Find what is to be done; called ahead of the results by the loader, in this process."""
        for night in nights:
            try:
                opened = self._open(night)
            except OutputFullError:
                raise
            except (ArchiveError, ResultsError) as error:
                self.fail(night, error)
                self.progress.finish(night, self.summary.frames)
                continue
            except OSError as error:  # of a look at what stands there
                self.fail(night, error.strerror)
                self.progress.finish(night, self.summary.frames)
                continue
            if opened is None:
                continue
            self.opened.append(opened)
            for minute_file in opened.listing.minute_files:
                yield Job(night, minute_file)
            yield Job(night)

    def fail(self, night: CameraNight, reason: object) -> None:
        """Count a camera-night that cannot be done, and say why."""
        self.summary.failed += 1
        if isinstance(reason, WorseResultsError):
            self.summary.kept[str(reason)] = self.summary.kept.get(str(reason), 0) + 1
        log.error("%s: failed: %s", night, reason)

    def close(self) -> None:
        """Release every lock."""
        self.locks.close()

    def _open(self, night: CameraNight) -> OpenNight | None:
        """Lock a camera-night that is to be done; None where it is current, or another run is at it."""
        csv_file = classifications.csv_path(self.options.output, night)
        lock_file = lock_path(self.options.output, night)
        listing = list_minute_files(night)
        if self._why_stale(night, csv_file, listing) is None:
            self.locks.clear(lock_file)  # of a run that was killed when it was all but done
            classifications.remove_superseded(self.options.output, night)  # which such a run leaves too
            self._skip_current(night)
            return None
        classifications.prepare_folder(csv_file)
        try:
            lock = self.locks.acquire(lock_file)
        except OSError as error:
            raise classifications.cannot_write(f"lock {csv_file}", error) from None
        if lock is None:
            self.elsewhere.append(night)
            return None
        try:
            if lock.deaths >= MOST_DEATHS:
                raise ResultsError(f"{lock.deaths} worker processes died at it; is memory short, or a file to blame?")
            # once more: the lock may be free because another run is done
            reason = self._why_stale(night, csv_file, listing)
            if reason is not None:
                refuse_simulated_weights(self.options, night)
        except BaseException:
            self.locks.release(lock)
            raise
        if reason is None:
            self.locks.release(lock)
            self._skip_current(night)
            return None
        remove_leftovers((csv_file, companion_path(csv_file), *beside_paths(csv_file)))
        if reason != NOT_DONE:
            log.info("%s: is done anew: %s", night, reason)
        return OpenNight(night, listing, lock, reason, block_means=[] if self.options.texture else None)

    def _why_stale(self, night: CameraNight, csv_file: Path, listing: NightListing) -> str | None:
        options = self.options
        wanted = {
            "camera_night": str(night),
            "fingerprint": listing.fingerprint,
            "weights_identity": options.weights.identity,
            "weights_sha256": options.weights.sha256,
            "precision": options.precision,
            "salvage": options.salvage,
        }
        reason = Result(csv_file).why_stale(wanted)
        if reason is None and any(problem.may_pass for problem in listing.problems):
            reason = UNREAD  # the fingerprint knows nothing of what could not be listed
        if reason is None and options.probabilities and not probabilities_path(csv_file).exists():
            reason = "no probabilities yet"
        if reason is None and options.texture and not texture_path(csv_file).exists():
            reason = "no texture yet"
        return "--overwrite" if reason is None and options.overwrite else reason

    def _skip_current(self, night: CameraNight) -> None:
        self.summary.current += 1
        self.progress.finish(night, self.summary.frames)
        log.info("%s: current, skipped", night)
