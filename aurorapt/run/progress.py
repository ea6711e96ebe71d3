"""The progress bar of a run: on a terminal, and silent when piped."""

import logging
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from time import monotonic
from typing import Protocol

from tqdm import tqdm

from aurorapt.archive.camera_nights import CameraNight
from aurorapt.archive.night_count import count_camera_nights
from aurorapt.machine.locks import STALE_AFTER
from aurorapt.run.options import RunOptions

log = logging.getLogger(__name__)


class _Bar(tqdm):  # type: ignore[misc]  # which has no types
    monitor_interval = 0  # no thread that looks after it: each minute file updates it


class Progress(Protocol):
    """What a run tells of itself while it goes on."""

    def show(self, night: CameraNight, share: float, frames: int) -> None:
        """Show that ``share`` (0 to 1) of a camera-night is read, and ``frames`` frames classified in the whole run."""

    def finish(self, night: CameraNight, frames: int) -> None:
        """Show that a camera-night is done, or cannot be."""


class RunProgress:
    """A bar over the camera-nights of a run, which are counted in the background while it begins.

    Parameters
    ----------
    options : of the run
    quiet : show no bar, even on a terminal
    """

    def __init__(self, options: RunOptions, quiet: bool) -> None:
        self._options = options
        self._started = monotonic()
        self._finished = 0  # camera-nights
        self._counted: int | None = None  # camera-nights there are, once that is known
        self._closed = False
        self._bar = _Bar(
            disable=True if quiet else None,
            dynamic_ncols=True,
            bar_format="{desc} {percentage:3.0f}%|{bar}|{postfix} [{elapsed}<{remaining}]",
            desc="starting",
        )
        if not self._bar.disable:
            with suppress(RuntimeError):  # no thread can be started: no percentage then
                threading.Thread(target=self._count, daemon=True).start()

    @property
    def is_shown(self) -> bool:
        """Whether there is a bar to be seen."""
        return not self._bar.disable

    def show(self, night: CameraNight, share: float, frames: int) -> None:
        """Show that ``share`` (0 to 1) of a camera-night is read, and ``frames`` frames classified in the whole run.

        Where several are under way, ``share`` is the sum of theirs.
        """
        if self._bar.disable:
            return
        done = self._finished + share
        if self._counted is not None:
            self._bar.total = max(self._counted, done)
        rate = frames / max(monotonic() - self._started, 1e-3)
        self._bar.set_description_str(str(night), refresh=False)
        self._bar.set_postfix_str(f"{frames} frames, {rate:.1f} frames/s", refresh=False)
        self._bar.update(done - self._bar.n)

    def finish(self, night: CameraNight, frames: int) -> None:
        """Show that a camera-night is done, or cannot be."""
        self._finished += 1
        self.show(night, 0, frames)

    def say(self, message: str) -> None:
        """Say a line on standard error, above the bar, also where there is none."""
        self._bar.clear()
        with suppress(OSError, ValueError, AttributeError):  # closed, or there is none
            sys.stderr.write(f"aurorapt: {message}\n")
            sys.stderr.flush()
        self._bar.refresh()

    def say_waiting(self, nights: Sequence[CameraNight]) -> None:
        """Say, also in the log, that only camera-nights are left that other runs are at."""
        log.info("waiting for other runs: %s", ", ".join(map(str, nights)))
        others = f" and {len(nights) - 1} more" if len(nights) > 1 else ""
        self.say(
            f"waiting for another run, which is at {nights[0]}{others} in {self._options.output}; "
            f"where it is dead, this one takes over within {STALE_AFTER / 60:.0f} minutes"
        )

    def close(self) -> None:
        """Leave the bar as it stands and free the terminal line."""
        self._closed = True
        self._bar.close()

    def _count(self) -> None:
        options = self._options
        counted = 0
        for count in count_camera_nights(options.archive, options.start, options.end, options.sites):
            if self._closed:
                return
            counted += count
        self._counted = counted
