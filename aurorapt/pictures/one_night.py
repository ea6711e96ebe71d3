"""A camera-night for those who work in Python: what its result says, plotted, as a montage and as a movie."""

import os
import warnings
from collections import Counter
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aurorapt.errors import OptionError, counted
from aurorapt.machine.html_table import html_table
from aurorapt.pictures.figures import figure_bytes
from aurorapt.pictures.frame_tiles import view_of_network
from aurorapt.pictures.keogram import find_frames, read_keogram
from aurorapt.pictures.montage import PER_GROUP, draw_montage
from aurorapt.pictures.movie import FPS, MovieReport, write_movie
from aurorapt.pictures.night_data import read_one_night
from aurorapt.pictures.night_frames import open_night_frames
from aurorapt.pictures.night_plot import night_bins, plot_night
from aurorapt.science.events import Event
from aurorapt.weights.weights_file import SIMULATED_NOTICE

if TYPE_CHECKING:
    from matplotlib.figure import Figure


class Night:
    """One camera-night: what its classification file says, and its frames where the archive is given.

    Parameters
    ----------
    path : the classification file, of this program or of the original one; those of the dates before and after are
        found beside it, so that smoothing and events reach across midnight
    stream0 : archive that was classified; needed for keogram, montage and movie
    weights : weights file whose view of the sky montage and movie show; the default weights where None
    class_name : whose events and smoothed probability

    Attributes
    ----------
    camera : such as gill_themis19
    times : (n,) datetime64[s], UTC, ascending
    labels : (n,) str, the network's class of each frame
    confidences : (n,) float32, 0 to 1
    probability : (n,) float64, smoothed probability of ``class_name``, 0 to 1; None where the network has no such class
    events : of ``class_name`` that have a frame in this night

    Raises
    ------
    OptionError
        If there is no such file.
    ResultsError
        If it cannot be read or a line is not a classification.

    Examples
    --------
    >>> night = aurorapt.Night("results/2014/03/10/20140310_gill_themis_classifications.txt", stream0="/data/stream0")
    >>> night.plot()
    >>> night.montage().save("montage.png")
    >>> night.movie("pulsating.mp4", start="06:00", end="06:20")
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        stream0: str | os.PathLike[str] | None = None,
        weights: str | os.PathLike[str] | None = None,
        class_name: str = "pulsating",
    ) -> None:
        self._night = night = read_one_night(Path(path), _warn, class_name)
        self._stream0 = None if stream0 is None else Path(stream0)
        self._weights = None if weights is None else Path(weights)
        self.camera = night.camera
        self.times: NDArray[np.datetime64] = night.times
        self.labels: NDArray[np.str_] = np.array(night.classes)[night.labels] if len(night.labels) else np.empty(0, str)
        self.confidences: NDArray[np.float32] = night.confidences
        self.probability: NDArray[np.float64] | None = night.class_probability
        self.events: list[Event] = list(night.events)

    def __repr__(self) -> str:
        return f"Night({self.camera}, {self._night.date}: {counted(len(self.times), 'frame')})"

    def plot(self) -> "Figure":
        """Plot labels, events, probability and confidence, and the keogram where the archive is given.

        Raises
        ------
        OptionError
            If matplotlib is not installed.
        ArchiveError
            If the archive does not hold this night.
        """
        night, keogram, bins = self._night, None, night_bins(self._night)
        if self._stream0 is not None:
            salvage = night.companion is not None and night.companion.salvage
            keogram = read_keogram(find_frames(night, self._stream0), bins, salvage)
        figure = plot_night(night, keogram, bins)
        # a notebook shows a figure of its own accord only where pyplot has been imported
        figure._repr_png_ = partial(figure_bytes, figure, "png")  # type: ignore[attr-defined]
        return figure

    def montage(self, per_class: int = PER_GROUP) -> Image.Image:
        """Draw frames of each class, and the least certain ones, as the network sees them.

        Parameters
        ----------
        per_class : most frames of a class

        Raises
        ------
        OptionError
            If the archive was not given.
        ArchiveError
            If it does not hold this night.
        """
        frames = open_night_frames(self._archive("a montage"), self._night)
        return draw_montage(frames, *view_of_network(self._night, self._weights), per_group=per_class)

    def movie(
        self, path: str | os.PathLike[str], start: str | None = None, end: str | None = None, fps: int = FPS
    ) -> MovieReport:
        """Write a movie of the frames as the network sees them, with time, label and confidence.

        Parameters
        ----------
        path : ends with .mp4 or .gif
        start, end : UTC on the night's date, HH:MM or HH:MM:SS; frames at the end itself are not shown
        fps : frames a second

        Raises
        ------
        OptionError
            If an option cannot be used, or the archive was not given.
        ArchiveError
            If it does not hold this night.
        ResultsError
            If the movie cannot be written.
        """
        frames = open_night_frames(self._archive("a movie"), self._night)
        preprocessor, notes = view_of_network(self._night, self._weights)
        return write_movie(Path(path), frames, preprocessor, start, end, fps, notes)

    def _archive(self, what: str) -> Path:
        if self._stream0 is None:
            raise OptionError(f"{what} needs the archive that was classified; give Night(..., stream0=FOLDER)")
        return self._stream0

    def _repr_html_(self) -> str:
        """Show it in a notebook."""
        night, counts = self._night, Counter(self.labels.tolist())
        rows: list[tuple[str, object]] = [("frames", len(self.times))]
        if len(self.times):
            rows.append(("time", f"{self.times[0]} to {self.times[-1]} UT"))
        rows += [
            (name, f"{counts[name]} ({100 * counts[name] / len(self.times):.0f} %)") for name in night.classes if counts
        ]
        rows.append((f"events of {night.class_name}", ", ".join(map(_span, self.events)) or "none"))
        rows += [("gaps", len(night.gaps)), ("problems", len(night.problems)), ("made with", night.made_with)]
        return html_table(f"{self.camera}, {night.date}", rows, notes=[SIMULATED_NOTICE] if night.simulated else [])


def _span(event: Event) -> str:
    return f"{event.start[11:16]} to {event.end[11:16]} ({event.quality})"


def _warn(path: Path, reason: str) -> None:
    warnings.warn(f"not used: {path}: {reason}", stacklevel=4)
