"""Several batches at once, each on one processor: what keeps all of them busy beside the loader's workers."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute in this thread alone meanwhile."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


class Streams:
    """Threads that each classify a batch on their own.

    One thread for each batch wastes no time on waiting for others, however busy the machine is, and gives the same
    answers for any number of threads.

    Parameters
    ----------
    predict : function of one batch, shared by all threads
    threads : batches that are computed at the same time
    """

    def __init__(self, predict: Callable[[NDArray[Any]], NDArray[np.float32]], threads: int) -> None:
        self.threads = threads
        self._predict = predict
        self._executor = ThreadPoolExecutor(threads, "stream", initializer=torch.set_num_threads, initargs=(1,))

    def submit(self, batch: NDArray[Any]) -> "Future[NDArray[np.float32]]":
        """Start on a batch; the future is of what ``predict`` gives."""
        return self._executor.submit(self._predict, batch)

    def close(self) -> None:
        """Start nothing more; what is being computed ends within a second."""
        self._executor.shutdown(wait=False, cancel_futures=True)
        # what a thread sets for itself, torch also takes for threads that are new to it
        torch.set_num_threads(torch.get_num_threads())
