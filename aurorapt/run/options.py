"""The options of a run, checked before anything heavy is loaded."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from aurorapt.archive.camera_nights import find_archive
from aurorapt.engine.choices import DEFAULT_BATCH_SIZE, PRECISIONS
from aurorapt.errors import ArchiveError, OptionError
from aurorapt.machine.processors import usable_processors
from aurorapt.weights.location import find_weights
from aurorapt.weights.weights_file import Weights, read_weights

if TYPE_CHECKING:
    from typing_extensions import Unpack

DEFAULT_STREAM0 = "/stream0"  # the original program's
DEFAULT_FILE_TIMEOUT = 60  # seconds
MOST_PROCESSES = 1024  # workers or threads; far more than any machine gains by
# smallest and largest of each number
NUMBERS = {
    "workers": (0, MOST_PROCESSES),
    "threads": (1, MOST_PROCESSES),
    "batch_size": (1, 1024),  # frames
    "file_timeout": (1, 86400),  # seconds
}
SITE = re.compile(r"[a-z0-9]+")


def default_workers() -> int:
    """Count the loader workers that keep the network of all usable processors fed.

    Reading and equalising a frame takes 2.4 ms of a processor on which a ResNet-50 takes 36 ms in fp32 and 17 ms in
    bf16, and 4 ms of one on which it takes 90 ms (measured on 2 processors with AVX-512 and with AVX2), so that one
    worker for four processors never lets it wait; a second one hides the latency of a disk.
    """
    processors = usable_processors()
    return min(processors, max(2, processors // 4))


class Options(TypedDict, total=False):
    """What may be said of a run, in Python and on the command line.

    ``stream0`` : archive folder that holds the years, or a download root with THEMIS_ASI_RAW; default the environment's
        AURORAPT_STREAM0, else /stream0
    ``output`` : folder for the results; default the environment's AURORAPT_OUTPUT, else the current folder
    ``weights`` : weights file; default the environment's AURORAPT_WEIGHTS, else the default weights
    ``sites`` : a name such as gill, or several; default all
    ``workers`` : processes that read and preprocess, 0 for none; default 2, or a quarter of the usable processors
    ``threads`` : batches classified at the same time, each by one thread; default the number of usable processors
    ``batch_size`` : frames the network takes at once; default 4
    ``precision`` : "fp32"; "bf16" for convolutions in bfloat16: faster, and not always the same answers; "auto" for
        bf16 and then fp32 for close calls; default "fp32"
    ``overwrite`` : also redo camera-nights whose results are up to date; default False
    ``salvage`` : also keep intact frames of damaged files, which the original drops; default False
    ``file_timeout`` : seconds after which to give up on a file; default 60
    """

    stream0: str | os.PathLike[str] | None
    output: str | os.PathLike[str] | None
    weights: str | os.PathLike[str] | None
    sites: str | Iterable[str]
    workers: int | None
    threads: int | None
    batch_size: int
    precision: str
    overwrite: bool
    salvage: bool
    file_timeout: int


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Options as a run uses them: checked, and filled in where nothing was said.

    ``sites`` is empty for all sites.
    """

    start: date
    end: date
    archive: Path
    output: Path
    weights: Weights
    sites: tuple[str, ...]
    workers: int = field(default_factory=default_workers)
    threads: int = field(default_factory=usable_processors)
    batch_size: int = DEFAULT_BATCH_SIZE
    precision: str = "fp32"
    overwrite: bool = False
    salvage: bool = False
    file_timeout: int = DEFAULT_FILE_TIMEOUT


def check_options(start: str | date, end: str | date, **options: "Unpack[Options]") -> RunOptions:
    """Check the options of a run and fill in what was not given.

    Parameters
    ----------
    start, end : first and last UT date, YYYY-MM-DD or a date
    options : of `Options`; None stands for the default

    Raises
    ------
    OptionError, WeightsError
        Naming the option and what would be right.
    TypeError
        If there is no such option.
    """
    given: dict[str, Any] = {name: value for name, value in options.items() if value is not None}
    if unknown := sorted(given.keys() - Options.__annotations__.keys()):
        raise TypeError(f"unknown option {unknown[0]!r}; the options are {', '.join(Options.__annotations__)}")
    first, last = parse_date(start, "START"), parse_date(end, "END")
    if first > last:
        raise OptionError(f"START {first} is after END {last}; give the earlier date first")
    for name, (smallest, largest) in NUMBERS.items():
        _check_number(f"--{name.replace('_', '-')}", given.get(name), smallest, largest)
    if given.get("precision", "fp32") not in PRECISIONS:
        raise OptionError(f"--precision {given['precision']!r} is unknown; give {' or '.join(PRECISIONS)}")
    sites = _sites(given.pop("sites", ()))
    archive = check_archive(_folder("--stream0", given.pop("stream0", None), "AURORAPT_STREAM0", DEFAULT_STREAM0))
    output = _output(_folder("--output", given.pop("output", None), "AURORAPT_OUTPUT", "."))
    weights = _weights(given.pop("weights", None))
    return RunOptions(start=first, end=last, archive=archive, output=output, weights=weights, sites=sites, **given)


def check_archive(stream0: Path) -> Path:
    """Find the folder that holds the years in the one that is given as the archive.

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
    """Read a date written as YYYY-MM-DD.

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


def _folder(option: str, given: str | os.PathLike[str] | None, variable: str, otherwise: str) -> Path:
    if given == "":
        raise OptionError(f"{option} is empty; name a folder, or leave the option out")
    return Path(given if given is not None else os.environ.get(variable) or otherwise)


def _sites(given: str | Iterable[str]) -> tuple[str, ...]:
    sites = tuple(site.lower() for site in ([given] if isinstance(given, str) else given))
    for site in sites:
        if not SITE.fullmatch(site):
            raise OptionError(f"--site {site!r} is not a site name; give one such as gill, without a device")
    return sites


def _output(folder: Path) -> Path:
    try:
        folder.stat()  # `exists` of Python 3.14 tells of no error, such as a name that is too long
        if not folder.is_dir():
            raise OptionError(f"--output {folder} is not a folder; name the folder for the results")
    except FileNotFoundError:
        pass
    except OSError as error:
        raise OptionError(f"--output {folder} cannot be used: {error.strerror}") from None
    return folder


def _weights(given: str | os.PathLike[str] | None) -> Weights:
    if given == "":
        raise OptionError("--weights is empty; name a weights file, or leave the option out")
    return read_weights(find_weights(None if given is None else Path(given)))


def _check_number(option: str, value: Any, smallest: int, largest: int) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        raise OptionError(f"{option} {value!r} is not a whole number; it must be between {smallest} and {largest}")
    if not smallest <= value <= largest:
        raise OptionError(f"{option} {value} must be between {smallest} and {largest}")
