"""The stream0 archive: dates and sites in, camera-nights and their minute files out, in time order.

Nothing is listed before it is needed: a range of ten years costs no more memory than one night.
"""

import logging
import os
import stat
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from aurorapt.archive.flat_archive import FlatArchive, flat_archive_in, is_flat
from aurorapt.archive.names import CAMERA_FOLDER, DOWNLOAD_FOLDER, YEAR
from aurorapt.errors import ArchiveError

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Problem:
    """Something that could not be used: the file or folder, and why.

    ``may_pass`` is true where the fault lay in the reading, not in the content: the same file may be readable later.
    ``count`` is the number of frames that it holds for; 1 too where it is a file.
    """

    file: str
    reason: str
    may_pass: bool = False
    count: int = 1


@dataclass(frozen=True)
class CameraNight:
    """All minute files of one camera and one UT date.

    ``folder`` is the camera folder below which they lie; in asilib's copy of the archive it is the folder of the site,
    in which those of its other dates, and cameras, lie too.
    """

    date: date
    site: str
    device: str
    folder: Path
    shares_site: bool = False  # another camera of the site has a folder on this date

    @property
    def is_flat(self) -> bool:
        """Whether the folder is that of the site."""
        return not CAMERA_FOLDER.fullmatch(self.folder.name)

    @property
    def camera(self) -> str:
        """The name of the camera folder, such as gill_themis19, also where there is none."""
        return f"{self.site}_{self.device}" if self.is_flat else self.folder.name

    def __str__(self) -> str:
        return f"{self.date:%Y%m%d} {self.camera}"


def find_archive(stream0: Path) -> Path:
    """Find the folder that holds the years: ``stream0`` itself, or ``THEMIS_ASI_RAW`` in a download root.

    In asilib's folder of its data, it is the one that holds the sites instead.

    Raises
    ------
    ArchiveError
        If there is no such folder, it cannot be read, or it holds two archives.
    """
    try:
        names = {entry.name for entry in os.scandir(stream0) if _is_folder(entry)}
    except FileNotFoundError:
        raise ArchiveError(f"no folder {stream0}; name the folder that holds the years") from None
    except NotADirectoryError:
        raise ArchiveError(f"{stream0} is not a folder; name the folder that holds the years") from None
    except OSError as error:
        raise ArchiveError(f"cannot read folder {stream0}: {error.strerror}") from None
    found = {"years": stream0} if any(map(YEAR.fullmatch, names)) else {}
    if DOWNLOAD_FOLDER in names:
        found[DOWNLOAD_FOLDER] = stream0 / DOWNLOAD_FOLDER
    if (flat := flat_archive_in(stream0)) is not None:
        found["minute files side by side in " + ("sites" if flat == stream0 else str(flat))] = flat
    if len(found) > 1:
        raise ArchiveError(f"{stream0} holds {' and '.join(found)}; name one of the two archives")
    return next(iter(found.values()), stream0)


def folder_in(archive: Path, night: CameraNight) -> Path:
    """Give the folder of a camera-night in an archive."""
    return archive / (night.site if is_flat(archive) else f"{night.date:%Y/%m/%d}/{night.camera}")


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    try:
        return entry.is_dir()
    except OSError:  # such as a link to itself; where it was a year, its days will say so
        return False


def camera_nights(
    archive: Path,
    start: date,
    end: date,
    sites: Collection[str] = (),
    on_problem: Callable[[Problem], None] = lambda problem: None,
    on_sites: Callable[[Collection[str]], None] = lambda sites: None,
    newest_first: bool = False,
) -> Iterator[CameraNight]:
    """Walk the archive from ``start`` to ``end``, both included, one date at a time.

    Parameters
    ----------
    archive : folder that holds the years, or the sites, as `find_archive` gives it
    sites : site names, lower case; all sites where empty
    on_problem : called with each date, camera or site folder that is there but cannot be read; missing days are normal,
        and what stands beside the camera folders is skipped with a warning in the log
    on_sites : called with the sites of each date that has any, lower case, also those not asked for
    newest_first : walk from ``end`` back to ``start``

    Raises
    ------
    ArchiveError
        If the archive itself has gone.

    Yields
    ------
    CameraNight
        By date, then by folder name.
    """
    flat = FlatArchive(archive) if is_flat(archive) else None
    if flat is not None:
        flat.tell(_of_sites(sites, on_problem))
    for number in range((end - start).days + 1):
        day = end - timedelta(number) if newest_first else start + timedelta(number)
        if flat is None:
            yield from _cameras_of_day(archive, day, sites, on_problem, on_sites)
        else:
            yield from _flat_cameras_of_day(flat, day, sites, on_sites)


def _of_sites(sites: Collection[str], on_problem: Callable[[Problem], None]) -> Callable[[Path, str], None]:
    """Pass on the problems of site folders, but for those of sites that are not asked for."""

    def report(path: Path, reason: str) -> None:
        if not sites or path.name in sites:
            on_problem(Problem(str(path), reason))

    return report


def _flat_cameras_of_day(
    flat: FlatArchive, day: date, sites: Collection[str], on_sites: Callable[[Collection[str]], None]
) -> Iterator[CameraNight]:
    cameras = flat.cameras.get(f"{day:%Y%m%d}", [])
    sites_there = [site for site, _, _ in cameras]
    if cameras:
        on_sites(sites_there)
    for site, device, folder in cameras:
        if not sites or site in sites:
            yield CameraNight(day, site, device, folder, shares_site=sites_there.count(site) > 1)


def _cameras_of_day(
    archive: Path,
    day: date,
    sites: Collection[str],
    on_problem: Callable[[Problem], None],
    on_sites: Callable[[Collection[str]], None],
) -> Iterator[CameraNight]:
    folder = archive / f"{day:%Y/%m/%d}"
    try:
        names = sorted(os.listdir(folder))
    except FileNotFoundError:
        _check_missing_day(archive, folder, on_problem)
        return
    except OSError as error:
        on_problem(Problem(str(folder), f"cannot list the folder: {error.strerror}"))
        return
    cameras = [CAMERA_FOLDER.fullmatch(name) for name in _camera_folders(folder, names, on_problem)]
    sites_there = [camera["site"].lower() for camera in cameras if camera]
    on_sites(sites_there)
    for camera in filter(None, cameras):
        site = camera["site"].lower()
        if not sites or site in sites:
            shares_site = sites_there.count(site) > 1
            yield CameraNight(day, site, camera["device"].lower(), folder / camera.string, shares_site)


def _check_missing_day(archive: Path, folder: Path, on_problem: Callable[[Problem], None]) -> None:
    if not archive.is_dir():
        raise ArchiveError(f"the archive {archive} has gone")
    for part in (folder, *folder.parents[:2]):
        if part.is_symlink() and not part.exists():
            on_problem(Problem(str(part), "broken symbolic link"))


def _camera_folders(folder: Path, names: list[str], on_problem: Callable[[Problem], None]) -> list[str]:
    """Give the names of the camera folders among ``names``, each folder under one name only."""
    known: dict[tuple[int, int], str] = {}
    for name in sorted(names, key=lambda name: (folder / name).is_symlink()):
        path = folder / name
        try:
            status = path.stat() if CAMERA_FOLDER.fullmatch(name) else None
        except OSError as error:
            on_problem(Problem(str(path), f"cannot be read: {error.strerror}"))
            continue
        if status is None or not stat.S_ISDIR(status.st_mode):
            log.warning("%s: not a camera folder, skipped", path)
        elif (status.st_dev, status.st_ino) in known:
            log.warning("%s: another name of %s, skipped", path, known[status.st_dev, status.st_ino])
        else:
            known[status.st_dev, status.st_ino] = name
    return sorted(known.values())
