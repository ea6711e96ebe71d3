"""The options of a run, checked before anything heavy is loaded."""

import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict

from aurorapt.archive.camera_nights import find_archive
from aurorapt.archive.flat_archive import is_flat, is_site_folder
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
ORDERS = ("oldest", "newest")
SITE = re.compile(r"[a-z0-9]+")
DATE = re.compile(r"(\d{4})(-?)(\d\d)\2(\d\d)", re.ASCII)
# where in an archive a folder lies that was named in its place: a year, and below it month, day, camera and hour
INSIDE_ARCHIVE = re.compile(r"(?P<archive>.*)/\d{4}(/\d\d(/\d\d(/\w+_themis\d*(/ut\d\d)?)?)?)?", re.IGNORECASE)


class Options(TypedDict, total=False):
    """What may be said of a run, in Python and on the command line.

    ``stream0`` : archive folder that holds the years, a download root with THEMIS_ASI_RAW, or asilib's data folder;
        default the environment's AURORAPT_STREAM0, else /stream0
    ``output`` : folder for the results; default the environment's AURORAPT_OUTPUT, else the current folder
    ``weights`` : weights file; default the environment's AURORAPT_WEIGHTS, else the default weights
    ``sites`` : a name such as gill, or several; default all
    ``workers`` : processes that read and preprocess, 0 for none; default the number of usable processors
    ``threads`` : batches classified at the same time, each by one thread; default the number of usable processors
    ``batch_size`` : frames that a thread takes at once; fewer are slower, and change no answer; default 16
    ``precision`` : "fp32"; "bf16" for convolutions in bfloat16: faster, and not always the same answers; "auto" for
        bf16 and then fp32 for close calls; default "fp32"
    ``overwrite`` : also redo camera-nights whose results are up to date; default False
    ``salvage`` : also keep intact frames of damaged files, which the original drops; default False
    ``probabilities`` : also write the whole softmax vector of every row, as ..._probabilities.csv; default False
    ``texture`` : also write how the sky flickers at every row, as ..._texture.csv; default False
    ``file_timeout`` : seconds after which to give up on a file; default 60
    ``order`` : which date is first, "oldest" or "newest"; default "oldest"
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
    probabilities: bool
    texture: bool
    file_timeout: int
    order: str


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
    workers: int = field(default_factory=usable_processors)
    threads: int = field(default_factory=usable_processors)
    batch_size: int = DEFAULT_BATCH_SIZE
    precision: str = "fp32"
    overwrite: bool = False
    salvage: bool = False
    probabilities: bool = False
    texture: bool = False
    file_timeout: int = DEFAULT_FILE_TIMEOUT
    order: str = ORDERS[0]


def check_options(start: str | date, end: str | date, **options: "Unpack[Options]") -> RunOptions:
    """Check the options of a run and fill in what was not given.

    Parameters
    ----------
    start, end : first and last UT date, YYYY-MM-DD, YYYYMMDD, or a date
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
    first, last = parse_dates(start, end)
    for name, (smallest, largest) in NUMBERS.items():
        _check_number(f"--{name.replace('_', '-')}", given.get(name), smallest, largest)
    if given.get("precision", "fp32") not in PRECISIONS:
        raise OptionError(f"--precision {given['precision']!r} is unknown; give {' or '.join(PRECISIONS)}")
    if given.get("order", ORDERS[0]) not in ORDERS:
        raise OptionError(f"--order {given['order']!r} is unknown; give {' or '.join(ORDERS)}")
    sites = check_sites(given.pop("sites", ()))
    archive = check_archive(_folder("--stream0", given.pop("stream0", None), "AURORAPT_STREAM0", DEFAULT_STREAM0))
    output = _output(_folder("--output", given.pop("output", None), "AURORAPT_OUTPUT", "."))
    weights = _weights(given.pop("weights", None))
    return RunOptions(start=first, end=last, archive=archive, output=output, weights=weights, sites=sites, **given)


def check_archive(stream0: Path) -> Path:
    """Find the folder that holds the years, or the sites, in the one that is given as the archive.

    Raises
    ------
    OptionError
        Where there is none, or the folder is a part of an archive, such as a year.
    """
    try:
        archive = find_archive(stream0)
        inside = INSIDE_ARCHIVE.fullmatch(str(stream0.resolve()))
        if inside and not is_flat(archive) and not any(re.fullmatch(r"\d{4}", name) for name in os.listdir(archive)):
            years = inside["archive"] or "/"
            raise ArchiveError(f"{stream0} lies inside an archive; name the folder that holds the years: {years}")
        if archive == stream0 and is_site_folder(stream0.resolve()):
            sites = stream0.resolve().parent
            raise ArchiveError(f"{stream0} is the folder of one site; name the folder that holds the sites: {sites}")
    except ArchiveError as error:
        raise OptionError(f"--stream0 (or AURORAPT_STREAM0): {error}") from None
    return archive


def parse_dates(start: str | date, end: str | date) -> tuple[date, date]:
    """Read the first and the last UT date of a range, as `parse_date` does.

    Raises
    ------
    OptionError
        Naming the argument, where there is no such date or the first one is after the last.
    """
    first, last = parse_date(start, "START"), parse_date(end, "END")
    if first > last:
        raise OptionError(f"START {first} is after END {last}; give the earlier date first")
    return first, last


def parse_date(value: str | date, name: str) -> date:
    """Read a UT date, written as YYYY-MM-DD or, as file names have it, YYYYMMDD.

    Raises
    ------
    OptionError
        Naming the argument, where there is no such date, or a time of day with it.
    """
    if isinstance(value, datetime):
        if value.time() != time() or value.utcoffset():
            raise OptionError(f"{name} {value} has a time of day; give a whole UT date, such as {value:%Y-%m-%d}")
        return value.date()
    if isinstance(value, date):
        return value
    try:
        if (match := DATE.fullmatch(value)) is None:
            raise ValueError
        return date(int(match[1]), int(match[3]), int(match[4]))
    except (TypeError, ValueError):
        raise OptionError(f"{name} {value!r} is not a date; write it as YYYY-MM-DD, such as 2014-03-10") from None


def check_path(option: str, given: str | os.PathLike[str]) -> Path:
    """Make a path of what is given for an option, ``~`` at its start meaning the home folder.

    Raises
    ------
    OptionError
        If it is empty, or there is no such user.
    """
    if not os.fspath(given):
        raise OptionError(f"{option} is empty; name a folder or file, or leave the option out")
    try:
        return Path(given).expanduser()
    except RuntimeError:
        raise OptionError(f"{option} {given}: there is no such user; write the path without ~") from None


def check_sites(given: str | Iterable[str]) -> tuple[str, ...]:
    """Check site names, written in any case, and give each once, in lower case.

    Raises
    ------
    OptionError
        If one is not a name that a site could have.
    """
    sites = tuple(dict.fromkeys(site.lower() for site in ([given] if isinstance(given, str) else given)))
    for site in sites:
        if not SITE.fullmatch(site):
            raise OptionError(f"--site {site!r} is not a site name; give one such as gill, without a device")
    return sites


def _folder(option: str, given: str | os.PathLike[str] | None, variable: str, otherwise: str) -> Path:
    if given is not None:
        return check_path(option, given)
    return check_path(variable, os.environ.get(variable) or otherwise)


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
    return read_weights(find_weights(None if given is None else check_path("--weights", given)))


def _check_number(option: str, value: Any, smallest: int, largest: int) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool):
        raise OptionError(f"{option} {value!r} is not a whole number; it must be between {smallest} and {largest}")
    if not smallest <= value <= largest:
        raise OptionError(f"{option} {value} must be between {smallest} and {largest}")
