"""Locks by which runs that share an output folder leave each other's camera-nights alone.

A lock is a file that is created where there is none, which every file system does for one of several processes only.
It says whose it is, and is touched every minute for as long as that run lives.

The lease of the library filelock is not used, because of how it tells age (seen in its version 4.2.11): whoever wants a
lock must have watched it untouched for the lock's whole life, anew for each camera-night that a dead host left behind.
Here the clock of the file server tells at once, and the clocks of the hosts do not matter. Owners are told apart by
boot and PID namespace, since a process number means nothing beyond them; early releases of filelock knew no namespaces.
"""

import json
import logging
import os
import platform
import threading
import uuid
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from aurorapt.machine.plain_files import read_plain

log = logging.getLogger(__name__)

HEARTBEAT = 60.0  # seconds between two touches of a lock
STALE_AFTER = 900.0  # seconds without a touch, after which a lock is taken over from whatever host
UNSIGNED_AFTER = 10.0  # seconds after which a lock that does not say whose it is was left by a run killed that moment
MOST_BYTES = 4096  # of a lock; what is longer was not written here


_Touch = tuple[int, int, str]  # inode, time of change and token of a lock: what a sign of life changes


@dataclass(frozen=True)
class Lock:
    """A lock that this process holds.

    ``run`` names the run of several processes that it is held for, and ``deaths`` counts the processes of that run that
    died with it in their hands.
    """

    path: Path
    token: str
    run: str = ""
    deaths: int = 0

    def is_held(self) -> bool:
        """Tell whether no other run has taken it over, as happens to a process that was suspended for long."""
        try:
            return bool(_parse(read_plain(self.path, MOST_BYTES)).get("token") == self.token)
        except FileNotFoundError:
            return False
        except OSError:
            return True  # what cannot be read this moment has not been taken over by that


class Locks:
    """The locks of one run, touched in a thread until they are released.

    Parameters
    ----------
    run : name of a run of several processes, which gives each lock to one of them at a time: a lock of this name that
        another one left behind is taken over at once, from whatever host
    """

    def __init__(self, run: str = "") -> None:
        self._run = run
        self._held: dict[Path, Lock] = {}
        # what was seen of locks of others, and since when, by this run's own clock: theirs may be wrong by years
        self._watched: dict[Path, tuple[_Touch, float]] = {}
        self._closed = threading.Event()
        self._heart: threading.Thread | None = None

    def acquire(self, path: Path) -> Lock | None:
        """Take a lock, also that of a run that is dead; None where another run holds it.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        token = uuid.uuid4().hex
        lock = Lock(path, token, self._run)
        if not _create(lock):
            lock = Lock(path, token, self._run, self.deaths(path))
            if not self._take_over(lock):
                return None
        self._watched.pop(path, None)
        self._held[path] = lock
        if self._heart is None:
            self._heart = threading.Thread(target=self._beat, daemon=True)
            self._heart.start()
        return lock

    def deaths(self, path: Path) -> int:
        """Count the processes of this run that have died with a lock in their hands."""
        owner = _read(path)
        if not self._is_of_this_run(owner):
            return 0
        before = owner.get("deaths")
        return 1 + (before if isinstance(before, int) else 0)

    def clear(self, path: Path) -> None:
        """Remove the lock of a dead run, where there is one and it can be."""
        with suppress(OSError):
            lock = self.acquire(path) if os.path.lexists(path) else None
            if lock is not None:
                self.release(lock)

    def release(self, lock: Lock) -> None:
        """Remove a lock, unless it is another run's by now."""
        self._held.pop(lock.path, None)
        if lock.is_held():
            with suppress(OSError):
                lock.path.unlink()

    def close(self) -> None:
        """Release all locks."""
        self._closed.set()
        for lock in list(self._held.values()):
            self.release(lock)

    def _beat(self) -> None:
        while not self._closed.wait(HEARTBEAT):
            for lock in list(self._held.values()):
                with suppress(OSError):
                    os.utime(lock.path)

    def _take_over(self, lock: Lock) -> bool:
        """Replace a stale lock; of several runs that want to, a lock on the lock lets one."""
        guard = Lock(lock.path.with_name(lock.path.name + ".guard"), lock.token, lock.run)
        if not _create(guard):
            # left by a run that died right here; whoever removes it leaves the rest to the next attempt
            with suppress(FileNotFoundError):  # released this moment; another's by now, perhaps
                if self._is_stale(guard.path):
                    guard.path.unlink()
            return False
        try:
            with suppress(FileNotFoundError):  # released this moment
                if not self._is_stale(lock.path):
                    return False
                whose = "a process of this run" if lock.deaths else "a run"
                log.warning("%s: taken over from %s that is dead", lock.path, whose)
                lock.path.unlink()
            return _create(lock)
        finally:
            guard.path.unlink(missing_ok=True)

    def _is_of_this_run(self, owner: dict[str, Any]) -> bool:
        return bool(self._run) and owner.get("run") == self._run

    def _is_stale(self, path: Path) -> bool:
        owner = _read(path)
        if _is_dead(owner) or self._is_of_this_run(owner):
            return True
        limit = STALE_AFTER if "token" in owner else UNSIGNED_AFTER
        status = path.lstat()
        touch = (status.st_ino, status.st_mtime_ns, str(owner.get("token")))
        seen, since = self._watched.get(path, (None, 0.0))
        if seen != touch:
            since = monotonic()
            self._watched[path] = (touch, since)
        return _age(path) > limit or monotonic() - since > limit


def _create(lock: Lock) -> bool:
    try:
        descriptor = os.open(lock.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    except FileExistsError:
        return False
    try:
        with os.fdopen(descriptor, "w") as file:
            json.dump(_signature(lock), file)
    except BaseException:
        lock.path.unlink(missing_ok=True)
        raise
    return True


def _signature(lock: Lock) -> dict[str, Any]:
    signature = {"host": _host(), "machine": _machine(), "process": os.getpid(), "token": lock.token}
    return signature | ({"run": lock.run, "deaths": lock.deaths} if lock.run else {})


def _age(path: Path) -> float:
    """Give the seconds since a file was touched, by the clock of its file server."""
    probe = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}")
    try:
        probe.touch()
        return probe.stat().st_mtime - path.lstat().st_mtime
    finally:
        probe.unlink(missing_ok=True)


def _read(path: Path) -> dict[str, Any]:
    """Read what a lock says; nothing where that is not what a run wrote, or it is gone."""
    try:
        return _parse(read_plain(path, MOST_BYTES))
    except OSError:
        return {}


def _parse(content: bytes) -> dict[str, Any]:
    try:
        owner = json.loads(content)
    except (ValueError, RecursionError):
        return {}
    return owner if isinstance(owner, dict) else {}


def _is_dead(owner: dict[str, Any]) -> bool:
    """Tell whether the owner of a lock is known to have ended: with its process, or with the boot of its machine."""
    host, process = owner.get("host"), owner.get("process")
    if not isinstance(host, str):
        return False
    if host == _host():
        return isinstance(process, int) and not _is_alive(process)
    (name, *boot), (own_name, *own_boot) = (text.split(" ")[:2] for text in (host, _host()))
    # machines of one name that share a disk are told apart, where they say more of themselves than that
    same_machine = name == own_name and owner.get("machine", _machine()) == _machine()
    return same_machine and bool(boot and own_boot) and boot != own_boot


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        pass
    return True


def _host() -> str:
    """Name where process numbers mean the same: one boot of one machine, in one container."""
    parts = [platform.node()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text().strip())
        parts.append(str(Path("/proc/self/ns/pid").readlink()))
    return " ".join(parts)


def _machine() -> str:
    """Name the machine as its system does for good, empty where it does not."""
    with suppress(OSError):
        return Path("/etc/machine-id").read_text().strip()
    return ""
