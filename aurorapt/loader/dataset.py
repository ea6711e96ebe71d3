"""A torch Dataset whose item is one minute file, and the one DataLoader that serves a whole run.

The sampler walks the archive while the run goes on and hands out jobs; workers read and preprocess; order is kept.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

from aurorapt.archive.camera_nights import CameraNight, Problem
from aurorapt.archive.frames import read_minute, unexpected
from aurorapt.archive.night_listing import MinuteFile
from aurorapt.images.preprocess import Preprocessor
from aurorapt.images.texture import BlockMeans

JOBS_AHEAD = 2  # minute files in flight for each worker

# How workers start, whatever Python's own default is. A forked one is there in 0.3 s and shares torch with the main
# process. With forkserver or spawn it takes 3 to 7 s, and 150 to 300 MiB more for all; and the workers of a forkserver
# are not children of the main process, so that nothing tells it at once when one dies. Forking is safe here, as no
# thread computes while it happens (`before_start` of the supervisor); macOS does not bear it.
START_METHOD = "fork" if sys.platform == "linux" else "spawn"


@dataclass(frozen=True)
class Job:
    """One minute file of a camera-night to read, or, without a minute file, the end of that camera-night."""

    night: CameraNight
    minute_file: MinuteFile | None = None


@dataclass
class PreparedMinute:
    """The frames of one job, equalised.

    ``visible`` : (n, visible) uint8 [frame, pixel], as `Preprocessor.equalize` gives them: a sixth of the bytes of
        network inputs, which matters between processes
    ``times`` : n naive UTC times
    ``salvaged`` : whether the file is damaged, and these are the frames that are intact
    ``path`` : of the file that the frames are from
    ``block_means`` : (n, blocks) float32 [frame, block], as `BlockMeans` gives them, where texture is asked for
    """

    job: Job
    visible: NDArray[np.uint8] | None = None
    times: list[datetime] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    salvaged: bool = False
    path: str = ""
    block_means: NDArray[np.float32] | None = None


class MinuteDataset(Dataset[PreparedMinute]):
    """Map-style dataset whose index is the job itself.

    Parameters
    ----------
    preprocessor : for the equalisation of raw counts
    file_timeout : seconds after which to give up on a file
    salvage : whether to keep the intact frames of a damaged file
    block_means : for the texture of the frames, where that is asked for
    """

    def __init__(
        self,
        preprocessor: Preprocessor,
        file_timeout: float,
        salvage: bool = False,
        block_means: BlockMeans | None = None,
    ) -> None:
        self.preprocessor = preprocessor
        self.file_timeout = file_timeout
        self.salvage = salvage
        self.block_means = block_means

    def __getitem__(self, job: Job) -> PreparedMinute:
        if job.minute_file is None:
            return PreparedMinute(job)
        try:
            night = job.night
            minute = read_minute(job.minute_file, night.site, night.date, self.file_timeout, self.salvage)
            visible = self.preprocessor.equalize(minute.images)
            means = self.block_means(minute.images) if self.block_means else None
            return PreparedMinute(job, visible, minute.times, minute.problems, minute.salvaged, minute.path, means)
        except Exception as error:  # such as a lack of memory; one file, whatever it provokes, affects only itself
            problem = Problem(str(job.minute_file.path), unexpected(error), may_pass=True)
            return PreparedMinute(job, problems=[problem])


class _JobSampler(Sampler[Job]):
    def __init__(self, jobs: Iterable[Job]) -> None:
        self.jobs = jobs

    def __iter__(self) -> Iterator[Job]:
        return iter(self.jobs)


def _follow_the_main_process(worker: int) -> None:
    """Leave Ctrl-C to the main process, and end when that ends, however it does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)  # not what the main process does on it
    # a worker that waits for a dead main process to take its item would wait for ever
    threading.Thread(target=_end_with_the_main_process, daemon=True).start()


def _end_with_the_main_process() -> None:
    main_process = multiprocessing.parent_process()
    if main_process is not None:
        main_process.join()
        os._exit(1)


def _as_it_is(item: Any) -> Any:
    return item


def minute_loader(
    jobs: Iterable[Job], dataset: MinuteDataset, workers: int, timeout: float = 0, jobs_ahead: int = JOBS_AHEAD
) -> DataLoader[PreparedMinute]:
    """Make the DataLoader that prepares jobs in worker processes and gives them back in their order.

    Parameters
    ----------
    jobs : consumed lazily, in the main process
    workers : processes; 0 reads in the main process
    jobs_ahead : jobs that each worker may have been given and not given back
    timeout : seconds without any item from a worker that raise a RuntimeError; 0 for never

    Notes
    -----
    Items cross from worker to main process as numpy arrays through a pipe, which, unlike torch's shared memory, cannot
    run out of ``/dev/shm``.
    """
    return DataLoader(
        dataset,
        batch_size=None,
        sampler=_JobSampler(jobs),
        num_workers=workers,
        collate_fn=_as_it_is,
        worker_init_fn=_follow_the_main_process if workers else None,
        prefetch_factor=jobs_ahead if workers else None,
        timeout=timeout if workers else 0,
        multiprocessing_context=START_METHOD if workers else None,
    )
