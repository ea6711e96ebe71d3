"""Several batches at once, each on one processor: what keeps all of them busy beside the loader's workers."""

from concurrent.futures import Future, ThreadPoolExecutor

import numpy as np
import torch
from numpy.typing import NDArray

from aurorapt.engine import Engine


class Streams:
    """Threads that each classify a batch on their own.

    One thread for each batch wastes no time on waiting for others, however busy the machine is, and gives the same
    answers for any number of threads.

    Parameters
    ----------
    engine : shared by all threads
    threads : batches that are computed at the same time
    """

    def __init__(self, engine: Engine, threads: int) -> None:
        self.threads = threads
        self._engine = engine
        self._executor = ThreadPoolExecutor(threads, "stream", initializer=torch.set_num_threads, initargs=(1,))

    def submit(self, inputs: NDArray[np.float32]) -> "Future[NDArray[np.float32]]":
        """Start on a batch.

        Parameters
        ----------
        inputs : (n, rows, columns) float32 [frame, y, x], 0 to 255

        Returns
        -------
        future of (n, classes) float32, 0 to 1
        """
        return self._executor.submit(self._engine.predict, inputs)

    def close(self) -> None:
        """Start nothing more; what is being computed ends within a second."""
        self._executor.shutdown(wait=False, cancel_futures=True)
