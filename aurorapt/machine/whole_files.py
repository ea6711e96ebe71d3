"""Files that appear whole or not at all, whenever the process or the machine stops."""

import contextlib
import errno
import glob
import os
import uuid
from collections.abc import Iterable, Mapping
from pathlib import Path

from aurorapt.machine.plain_files import is_plain_or_missing

DISK_IS_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)


class WriteError(OSError):
    """A file that could not be written; ``errno`` and ``strerror`` say why, ``filename`` which."""


def write_whole(contents: Mapping[Path, bytes]) -> None:
    """Write files under other names and rename them once all of them are on disk.

    Parameters
    ----------
    contents : what goes into each file; all of them in one folder

    Raises
    ------
    WriteError
        If a file cannot be written; none is replaced unless all have been written, and all can be replaced.
    """
    # names of their own, so that two processes never write into the same temporary file
    temporaries = {path: path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp") for path in contents}
    try:
        for path in contents:
            if not is_plain_or_missing(path):
                raise OSError(errno.EEXIST, "something else than a file has that name", str(path))
        for path, content in contents.items():
            _write_through(temporaries[path], content)
        _replace_all(temporaries)
    except OSError as error:
        raise WriteError(error.errno, error.strerror, str(path)) from None
    finally:
        for temporary in temporaries.values():
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
    for folder in {path.parent for path in contents}:
        with contextlib.suppress(OSError):  # not every file system syncs folders, and the files are whole without it
            _sync_folder(folder)


def _replace_all(temporaries: Mapping[Path, Path]) -> None:
    """Rename all files, or put back what stood there where one cannot be renamed."""
    replaced: dict[Path, bytes | None] = {}
    for path, temporary in temporaries.items():
        try:
            before = path.read_bytes() if path.exists() else None
            temporary.replace(path)
        except OSError:
            for other, content in replaced.items():
                with contextlib.suppress(OSError):
                    _put_back(other, content)
            raise
        replaced[path] = before


def _put_back(path: Path, content: bytes | None) -> None:
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)


def remove_leftovers(paths: Iterable[Path]) -> None:
    """Remove what a process that was killed had half written of these files."""
    for path in paths:
        for leftover in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
            with contextlib.suppress(OSError):
                leftover.unlink()


def _write_through(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":  # only there can a folder be opened and synced
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
