"""Files that are read with care: whatever stands under a name may be a pipe, a device, or without end."""

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path


def read_plain(path: Path, most_bytes: int) -> bytes:
    """Read a plain file, without waiting for anybody and without reading on for ever.

    Raises
    ------
    OSError
        If it cannot be read, is no plain file, or is larger than ``most_bytes``.
    """
    # a named pipe would otherwise wait for a writer
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, "not a plain file", str(path))
        content = read_at_most(file, most_bytes + 1)
    if len(content) > most_bytes:
        raise OSError(errno.EFBIG, f"larger than {most_bytes} bytes", str(path))
    return content


def read_at_most(file: BufferedReader, most_bytes: int) -> bytes:
    """Read an open file to its end, but no more than so many bytes, which may be far more than it has.

    For what it is asked to read Python takes memory fresh from the system, and gives it back after; where that is far
    more than there is, it takes eight times as long to read a minute file.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    expected = min(os.fstat(file.fileno()).st_size + 1, most_bytes)
    content = file.read(expected)
    if len(content) == expected < most_bytes:  # it has grown, or the system does not say how large it is
        content += file.read(most_bytes - expected)
    return content


def is_plain_or_missing(path: Path) -> bool:
    """Whether a file may be written there: a plain file stands under that name, or nothing does.

    Raises
    ------
    OSError
        If that cannot be found out.
    """
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except FileNotFoundError:
        return True
