"""The options of a run, checked before anything heavy is loaded."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from aurorapt.archive import find_archive
from aurorapt.errors import ArchiveError, OptionError
from aurorapt.weights import Weights, read_weights
from aurorapt.weights_location import find_weights

DEFAULT_STREAM0 = "/stream0"  # the original program's
MOST_PROCESSES = 1024  # workers or threads; far more than any machine gains by
MOST_FRAMES_AT_ONCE = 1024
DEFAULT_FILE_TIMEOUT = 60  # seconds
LONGEST_FILE_TIMEOUT = 86400  # seconds
DEFAULT_BATCH_SIZE = 4  # frames; small batches stay in the processor's cache
PRECISIONS = ("fp32", "bf16", "auto")
SITE = re.compile(r"[a-z0-9]+")


@dataclass(frozen=True)
class RunOptions:
    """What `aurorapt.run.run` needs, all of it usable.

    ``sites`` is empty for all sites.
    """

    start: date
    end: date
    archive: Path
    output: Path
    weights: Weights
    sites: tuple[str, ...]
    workers: int
    threads: int
    batch_size: int
    precision: str
    overwrite: bool
    salvage: bool
    file_timeout: int


def check_options(
    start: str | date,
    end: str | date,
    *,
    stream0: str | os.PathLike[str] | None = None,
    output: str | os.PathLike[str] | None = None,
    weights: str | os.PathLike[str] | None = None,
    sites: str | Iterable[str] = (),
    workers: int | None = None,
    threads: int | None = None,
    batch_size: int = DEFAULT_BATCH_SIZE,
    precision: str = "fp32",
    overwrite: bool = False,
    salvage: bool = False,
    file_timeout: int = DEFAULT_FILE_TIMEOUT,
) -> RunOptions:
    """Check the options of a run and fill in what was not given.

    Parameters are those of `aurorapt.classify`.

    Raises
    ------
    OptionError, WeightsError
        Naming the option and what would be right.
    """
    first, last = parse_date(start, "START"), parse_date(end, "END")
    if first > last:
        raise OptionError(f"START {first} is after END {last}; give the earlier date first")
    _check_number("--workers", workers, 0, MOST_PROCESSES)
    _check_number("--threads", threads, 1, MOST_PROCESSES)
    _check_number("--batch-size", batch_size, 1, MOST_FRAMES_AT_ONCE)
    _check_number("--file-timeout", file_timeout, 1, LONGEST_FILE_TIMEOUT)
    if precision not in PRECISIONS:
        raise OptionError(f"--precision {precision!r} is unknown; give {' or '.join(PRECISIONS)}")
    chosen_sites = tuple(site.lower() for site in ([sites] if isinstance(sites, str) else sites))
    for site in chosen_sites:
        if not SITE.fullmatch(site):
            raise OptionError(f"--site {site!r} is not a site name; give one such as gill, without a device")
    archive = check_archive(_folder("--stream0", stream0, "AURORAPT_STREAM0", DEFAULT_STREAM0))
    folder = _folder("--output", output, "AURORAPT_OUTPUT", ".")
    try:
        if folder.exists() and not folder.is_dir():
            raise OptionError(f"--output {folder} is not a folder; name the folder for the results")
    except OSError as error:
        raise OptionError(f"--output {folder} cannot be used: {error.strerror}") from None
    if weights == "":
        raise OptionError("--weights is empty; name a weights file, or leave the option out")
    return RunOptions(
        start=first,
        end=last,
        archive=archive,
        output=folder,
        weights=read_weights(find_weights(Path(weights) if weights else None)),
        sites=chosen_sites,
        workers=default_workers() if workers is None else workers,
        threads=usable_processors() if threads is None else threads,
        batch_size=batch_size,
        precision=precision,
        overwrite=overwrite,
        salvage=salvage,
        file_timeout=file_timeout,
    )


def check_archive(stream0: Path) -> Path:
    """Folder that holds the years, in the folder that is given as the archive.

    Raises
    ------
    OptionError
        Where there is none.
    """
    try:
        return find_archive(stream0)
    except ArchiveError as error:
        raise OptionError(f"--stream0 (or AURORAPT_STREAM0): {error}") from None


def parse_date(value: str | date, name: str) -> date:
    """Date written as YYYY-MM-DD.

    Raises
    ------
    OptionError
        Naming the argument, where there is no such date.
    """
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    try:
        if not re.fullmatch(r"\d{4}-\d\d-\d\d", value, re.ASCII):
            raise ValueError
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        raise OptionError(f"{name} {value!r} is not a date; write it as YYYY-MM-DD, such as 2014-03-10") from None


def usable_processors() -> int:
    """Processors this process may use, which in a batch queue are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def default_workers() -> int:
    """Loader workers that keep the network of all usable processors fed.

    Reading and equalising a frame takes 2.4 ms of a processor on which a ResNet-50 takes 36 ms in fp32 and 17 ms in
    bf16, and 4 ms of one on which it takes 90 ms (measured on 2 processors with AVX-512 and with AVX2), so that one
    worker for four processors never lets it wait; a second one hides the latency of a disk.
    """
    processors = usable_processors()
    return min(processors, max(2, processors // 4))


def _folder(option: str, given: str | os.PathLike[str] | None, variable: str, otherwise: str) -> Path:
    if given == "":
        raise OptionError(f"{option} is empty; name a folder, or leave the option out")
    return Path(given if given is not None else os.environ.get(variable) or otherwise)


def _check_number(option: str, value: int | None, smallest: int, largest: int) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        raise OptionError(f"{option} {value!r} is not a whole number; give {smallest} to {largest}")
    if not smallest <= value <= largest:
        raise OptionError(
            f"{option} {value} is too {'small' if value < smallest else 'large'}; give {smallest} to {largest}"
        )
