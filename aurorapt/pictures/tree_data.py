"""A tree of results summed up for drawing: pulsating minutes and hours observed, night by night and site by site."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

import numpy as np

from aurorapt.errors import OptionError, ResultsError
from aurorapt.science.event_search import SIMULATED
from aurorapt.science.magnetic_time import magnetic_latitude
from aurorapt.science.stretches import FRAME_SECONDS, NightFile, Report, Stretch, stretches
from aurorapt.science.summaries import columns, summary_rows

MIDDLE = np.array(["2015-01-01"], "datetime64[s]")  # when magnetic latitudes, which drift, are compared


class NightSum(NamedTuple):
    """What one site saw in one night, from local noon to local noon.

    ``minutes`` : expected pulsating minutes, the sum of the smoothed probabilities of pulsating
    ``hours`` : observed
    """

    minutes: float
    hours: float


@dataclass
class Overview:
    """Nights of many sites.

    ``nights`` : by site and by the date on which the night began; where two cameras of a site saw a night, that of
        the one which saw more
    ``weights`` : names of the weights, with their kind and the beginning of their hash; a file without a companion has
        ``unknown``
    """

    nights: dict[str, dict[date, NightSum]] = field(default_factory=dict)
    weights: set[str] = field(default_factory=set)
    simulated: bool = False

    @property
    def sites(self) -> list[str]:
        """The sites from magnetic north to south; those not in the table come last."""
        return sorted(self.nights, key=lambda site: (-np.nan_to_num(site_latitude(site), nan=-90.0), site))

    @property
    def dates(self) -> tuple[date, date]:
        """The first night and the last."""
        every = [day for nights in self.nights.values() for day in nights]
        return min(every), max(every)


def site_latitude(site: str) -> float:
    """Give a site's magnetic latitude in the middle of the archive, degrees; NaN where it is not in the table."""
    return float(magnetic_latitude(site, MIDDLE)[0])


def read_overview(
    night_files: Iterable[NightFile], report: Report, model: str = "auto", on_night: Callable[[], None] = lambda: None
) -> Overview:
    """Sum up results; no more than a camera's longest stretch is held in memory.

    Parameters
    ----------
    night_files : in the order that `aurorapt.science.stretches.find_night_files` gives
    report : called with each file that cannot be used, which is then left out
    model : of `aurorapt.science.smoothing.MODELS`
    on_night : called after each file that has frames

    Raises
    ------
    OptionError
        If the results have no class pulsating, or are of several networks with different classes.
    ResultsError
        If no file has a frame.
    """
    overview = Overview()
    found = _noted(stretches(night_files, report), overview, on_night)
    for classes, row in summary_rows(found, "night", model):
        if "pulsating" not in classes:
            raise OptionError(f"an overview shows pulsating minutes, and these results have only {', '.join(classes)}")
        values = dict(zip(columns(classes), row, strict=True))
        if values["observed"]:
            day = date.fromisoformat(values["period_start"][:10])
            here = NightSum(values["expected_pulsating_min"], values["observed"] * FRAME_SECONDS / 3600)
            nights = overview.nights.setdefault(values["site"], {})
            nights[day] = max(nights.get(day, here), here, key=lambda night: night.hours)
    if not overview.nights:
        raise ResultsError("no frames to draw in any of these results")
    return overview


def _noted(found: Iterable[Stretch], overview: Overview, on_night: Callable[[], None]) -> Iterator[Stretch]:
    """Take note of the weights of what passes."""
    for stretch in found:
        for night_file in stretch.night_files:
            sha256, name, kind = night_file.weights
            overview.weights.add(f"{name} ({kind}, {sha256[:8]})" if sha256 else "unknown")
            overview.simulated |= kind == SIMULATED
            on_night()
        yield stretch
