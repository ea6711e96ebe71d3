"""The progress bar of a run: on a terminal, and silent when piped."""

from datetime import date
from time import monotonic

from tqdm import tqdm

from aurorapt.archive.camera_nights import CameraNight


class RunProgress:
    """A bar over the dates of a run, since how many frames they hold is not known before they are reached.

    Parameters
    ----------
    start, end : first and last date
    quiet : show nothing, even on a terminal
    """

    def __init__(self, start: date, end: date, quiet: bool) -> None:
        self._start = start
        self._started = monotonic()
        self._bar = tqdm(
            total=(end - start).days + 1,
            disable=True if quiet else None,
            dynamic_ncols=True,
            bar_format="{desc} {percentage:3.0f}%|{bar}|{postfix} [{elapsed}<{remaining}]",
            desc="starting",
        )

    def show(self, night: CameraNight, share: float, frames: int) -> None:
        """Show that ``share`` (0 to 1) of a camera-night is done, and ``frames`` frames in the whole run."""
        if self._bar.disable:
            return
        number, cameras = night.place_in_day
        days = (night.date - self._start).days + (number + share) / cameras
        rate = frames / max(monotonic() - self._started, 1e-3)
        self._bar.set_description_str(str(night), refresh=False)
        self._bar.set_postfix_str(f"{frames} frames, {rate:.1f} frames/s", refresh=False)
        self._bar.update(days - self._bar.n)

    def close(self) -> None:
        """Leave the bar as it stands and free the terminal line."""
        self._bar.close()
