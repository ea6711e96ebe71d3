"""The engine of a worker process, and the camera-nights that its threads classify with it."""

import contextvars
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurorapt.archive.camera_nights import CameraNight, Problem
from aurorapt.engine.streams import Streams, one_thread
from aurorapt.loader.dataset import Job, MinuteDataset, PreparedMinute
from aurorapt.machine.freed_memory import keep_freed_memory
from aurorapt.machine.locks import Locks
from aurorapt.run.options import RunOptions
from aurorapt.run.pipeline import classify_night, make_classifier, minute_dataset
from aurorapt.run.progress import Progress
from aurorapt.run.run_summary import Summary

COPIES = 2  # of a minute, each of which may take the whole time limit


class InThisThread(Streams):
    """Batches classified at once, in the thread that hands them in: a worker's thread keeps one processor busy."""

    def __init__(self, predict: Callable[[NDArray[Any]], NDArray[np.float32]]) -> None:
        self.threads = 0
        self._predict = predict

    def submit(self, batch: NDArray[Any]) -> "Future[NDArray[np.float32]]":
        """Classify a batch."""
        done: Future[NDArray[np.float32]] = Future()
        done.set_result(self._predict(batch))
        return done

    def close(self) -> None:
        """Do nothing: nothing is under way."""


class PatientDataset(MinuteDataset):
    """A dataset that gives up a file which is not read in time, in a thread, where no alarm can interrupt it."""

    def __getitem__(self, job: Job) -> PreparedMinute:
        if job.minute_file is None:
            return PreparedMinute(job)
        answer: queue.SimpleQueue[PreparedMinute] = queue.SimpleQueue()
        read = super().__getitem__
        reader = contextvars.copy_context().run  # what it logs belongs to the camera-night too
        threading.Thread(target=reader, args=(lambda: answer.put(read(job)),), daemon=True).start()
        try:
            return answer.get(timeout=COPIES * self.file_timeout)
        except queue.Empty:  # the thread is left to wait: a read from a dead disk cannot be ended
            reason = f"not read within {COPIES * self.file_timeout:g} s"
            return PreparedMinute(job, problems=[Problem(str(job.minute_file.path), reason, may_pass=True)])


class NightWork:
    """One engine for all threads of a process.

    Raises
    ------
    OptionError
        If this processor does not compute in the precision.
    """

    def __init__(self, options: RunOptions) -> None:
        self.options = options
        self.classifier = make_classifier(options)
        keep_freed_memory()
        plain = minute_dataset(options, self.classifier)
        self.dataset = PatientDataset(plain.preprocessor, plain.file_timeout, plain.salvage, plain.block_means)

    def classify(
        self, night: CameraNight, run: str, summary: Summary, progress: Progress, check: Callable[[], None]
    ) -> bool:
        """Classify one camera-night in this thread.

        Parameters
        ----------
        run : name of the run, for its locks
        summary : where to count what was done
        check : called before and after each batch; what it raises ends this, and nothing is written

        Returns
        -------
        Whether that is settled: False where another run is at it.
        """

        def predict(visible: NDArray[np.uint8]) -> NDArray[np.float32]:
            check()
            probabilities = self.classifier.predict_visible(visible)
            check()  # the last batch is followed by writing
            return probabilities

        with one_thread():
            streams = InThisThread(predict)
            return classify_night(night, self.options, self.dataset, streams, summary, progress, Locks(run))
