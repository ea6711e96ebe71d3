"""What a worker has to prove before it is given camera-nights: its versions, and that it sees the same disks."""

import os
import platform
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import aurorapt
from aurorapt.archive.camera_nights import CameraNight
from aurorapt.archive.night_listing import list_minute_files
from aurorapt.errors import ArchiveError, AuroraptError


def versions() -> dict[str, str]:
    """Give the versions of what an answer depends on."""
    try:
        torch = version("torch")
    except PackageNotFoundError:
        torch = "none"
    return {"aurorapt": aurorapt.__version__, "torch": torch}


@dataclass(frozen=True)
class Probe:
    """What a worker compares with what it sees itself.

    Attributes
    ----------
    versions : of the process that the user started
    file : in the output folder
    token : content of that file
    night : the first camera-night of the run
    fingerprint : of the minute files of that camera-night
    """

    versions: dict[str, str]
    file: Path
    token: str
    night: CameraNight
    fingerprint: str

    def why_refused(self) -> str | None:
        """Say why the process that calls this must not work for the run; None where it may."""
        for name, own in versions().items():
            if own != self.versions[name]:
                return f"has {name} {own}, and this machine {self.versions[name]}; install the same on both"
        return self._unlike_output() or self._unlike_archive()

    def _unlike_output(self) -> str | None:
        folder = self.file.parent
        try:
            if not folder.is_dir():
                return f"does not see the output folder {folder}; name a folder on a disk that all machines share"
            if not self.file.exists() or self.file.read_bytes() != self.token.encode():
                return f"sees another output folder {folder}; name a folder on a disk that all machines share"
            written = self.file.with_name(f"{self.file.name}.{uuid.uuid4().hex[:8]}")
            written.touch()
            written.unlink()
        except OSError as error:
            return f"cannot use the output folder {folder}: {error.strerror}"
        return None

    def _unlike_archive(self) -> str | None:
        try:
            fingerprint = list_minute_files(self.night).fingerprint
        except ArchiveError as error:
            return f"does not see the archive: {error}"
        if fingerprint != self.fingerprint:
            return f"sees other files in {self.night.folder}; name an archive on a disk that all machines share"
        return None


@contextmanager
def probe(output: Path, night: CameraNight) -> Iterator[Probe]:
    """Lay a file into the output folder by which workers know it, for as long as the run lasts.

    Raises
    ------
    AuroraptError
        If that cannot be written, or the camera-night cannot be read.
    """
    token = uuid.uuid4().hex
    file = output / f".aurorapt_probe_{token[:8]}"
    try:
        output.mkdir(parents=True, exist_ok=True)
        file.write_text(token)
    except OSError as error:
        raise AuroraptError(f"--output {output} cannot be written: {error.strerror}") from None
    try:
        yield Probe(versions(), file, token, night, list_minute_files(night).fingerprint)
    finally:
        with suppress(OSError):
            file.unlink()


def this_process() -> str:
    """Name the process that calls this by its host and number."""
    return f"{platform.node()} (process {os.getpid()})"
