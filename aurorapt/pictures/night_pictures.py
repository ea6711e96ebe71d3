"""Pictures of nights as files: what ``aurorapt plot`` makes of classification files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from aurorapt.archive.camera_nights import Problem
from aurorapt.errors import ArchiveError, OptionError, counted
from aurorapt.pictures.figures import FULL_WIDTH, save_figure
from aurorapt.pictures.keogram import Keogram, find_frames, read_keogram
from aurorapt.pictures.montage import write_montage
from aurorapt.pictures.night_data import Night
from aurorapt.pictures.night_plot import night_bins, plot_night
from aurorapt.pictures.time_bins import TimeBins
from aurorapt.science.stretches import Report


@dataclass(frozen=True)
class NightOptions:
    """How nights are drawn.

    ``stream0`` : archive for the keogram; none is drawn where None
    ``start``, ``end`` : seconds after midnight UT, of what is drawn; from the first and to the last frame where None
    ``width`` : mm
    ``montage`` : draw frames of each class instead, as these ``weights`` see them, the default ones where None
    """

    stream0: Path | None = None
    start: int | None = None
    end: int | None = None
    width: float = FULL_WIDTH
    montage: bool = False
    weights: Path | None = None


def picture_name(night: Night, ending: str, montage: bool = False) -> str:
    """Name a night's picture as its classification file, such as 20200218_fsmi_themis.png."""
    name = night.night_file.result.csv_file.stem.removesuffix("_classifications")
    return f"{name}{'_montage' if montage else ''}.{ending}"


def draw_night(
    night: Night,
    output: Path,
    options: NightOptions,
    report: Report,
    on_minute: Callable[[], None] = lambda: None,
) -> bool:
    """Draw a night into a file.

    Parameters
    ----------
    output : whose ending says the format
    report : called with the archive where it has no frames of the night, so that there is no keogram, and with the
        first file that is damaged
    on_minute : called after each minute file that is read

    Returns
    -------
    whether all that was asked for was drawn

    Raises
    ------
    OptionError
        If an option cannot be used.
    ResultsError
        If the file cannot be written.
    """
    if options.montage and options.stream0 is not None:
        report_damage(write_montage(night, output, options.stream0, options.weights), report)
        return True
    bins = night_bins(night, _at(night, options.start), _at(night, options.end))
    keogram, whole = None, True
    if options.stream0 is not None:
        try:
            keogram = _read_keogram(night, options.stream0, bins, on_minute)
        except ArchiveError as error:
            report(options.stream0, f"{output} has no keogram: {error}")
            whole = False
        else:
            report_damage(keogram.problems, report)
    save_figure(plot_night(night, keogram, bins, width=options.width), output)
    return whole


def _read_keogram(night: Night, stream0: Path, bins: TimeBins, on_minute: Callable[[], None]) -> Keogram:
    salvage = night.companion is not None and night.companion.salvage
    return read_keogram(find_frames(night, stream0), bins, salvage, on_minute=on_minute)


def report_damage(problems: list[Problem], report: Report) -> None:
    """Tell of the first of some problems, and how many more there are."""
    if problems:
        others = f", and {counted(len(problems) - 1, 'more problem')}" if len(problems) > 1 else ""
        report(Path(problems[0].file), f"{problems[0].reason}{others}")


def _at(night: Night, seconds: int | None) -> np.datetime64 | None:
    """Give the time that is so many seconds after the night's midnight UT."""
    if seconds is None:
        return None
    if night.date is None:
        raise OptionError(f"{night.night_file.result.csv_file}: its name says no date; leave out --from and --to")
    return np.datetime64(night.date, "s") + np.timedelta64(seconds, "s")
