"""Where the workers of a run are: at a scheduler's address, or on this machine."""

import re
from dataclasses import dataclass

from aurorapt.errors import OptionError

MOST_PROCESSES = 1024  # processes, or threads of one; far more than any machine gains by
LOCAL = re.compile(r"local:(\d{1,4})x(\d{1,4})", re.ASCII)
ADDRESS = re.compile(r"(?:tcp|tls)://(?:[\w.-]+|\[[0-9a-fA-F:.%\w]+\]):(\d{1,5})", re.ASCII)


@dataclass(frozen=True)
class LocalWorkers:
    """Worker processes on this machine, started for one run."""

    processes: int
    threads: int

    def __str__(self) -> str:
        return f"local:{self.processes}x{self.threads}"


def parse_scheduler(given: str) -> str | LocalWorkers:
    """Read what ``--scheduler`` is given: the address of a Dask scheduler, or ``local:PROCESSESxTHREADS``.

    Returns
    -------
    The address, or the workers to start.

    Raises
    ------
    OptionError
        If it is neither.

    Examples
    --------
    >>> parse_scheduler("local:4x8")
    LocalWorkers(processes=4, threads=8)
    """
    if (local := LOCAL.fullmatch(given)) is not None:
        workers = LocalWorkers(int(local[1]), int(local[2]))
        if 1 <= workers.processes <= MOST_PROCESSES and 1 <= workers.threads <= MOST_PROCESSES:
            return workers
        raise OptionError(f"--scheduler {given}: processes and threads must each be between 1 and {MOST_PROCESSES}")
    address = ADDRESS.fullmatch(given)
    if address is None or not 1 <= int(address[1]) <= 65535:
        raise OptionError(
            f"--scheduler {given!r} is neither an address such as tcp://login1:8786 nor local:4x8 (processes x threads)"
        )
    return given
