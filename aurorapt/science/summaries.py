"""Results summed up by minute, hour or night, to be joined with other instruments by time and site."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurorapt.errors import OptionError
from aurorapt.science.magnetic_time import magnetic_latitude, magnetic_local_time
from aurorapt.science.sky import moon_elevation, moon_phase, solar_elevation
from aurorapt.science.smoothing import choose_smoother, votes
from aurorapt.science.stretches import FRAME_SECONDS, Stretch
from aurorapt.themis_sites import SITES

LENGTHS = {"minute": 60, "hour": 3600, "night": 86400}  # seconds
MIDDLE_LONGITUDE = -105.0  # degrees, of the array: whose noon parts the nights of sites that are not in the table
FIRST_COLUMNS = ("site", "camera", "period_start", "expected", "observed", "missing")
LAST_COLUMNS = (
    *("smoothed_class", "expected_pulsating_min", "mean_confidence", "flicker"),
    *("mlt", "mlat", "solar_elevation", "moon_up", "moon_phase"),
)
Row = tuple[tuple[str, ...], list[Any]]  # the classes, and the values


@dataclass
class Sums:
    """What adds up over the frames of periods of one camera.

    ``starts`` : (periods,) seconds since 1970, ascending
    ``sums`` : (periods, 6 + 2 x classes) float64: frames expected and observed, seconds since the period's start, of
        confidences, pairs of successive frames, pairs whose labels differ, frames of each class, probabilities of each
    """

    site: str
    camera: str
    classes: tuple[str, ...]
    starts: NDArray[np.int64]
    sums: NDArray[np.float64]


def columns(classes: Iterable[str]) -> list[str]:
    """Give the names of the columns of `summary_rows`."""
    names = list(classes)
    return [*FIRST_COLUMNS, *(f"n_{name}" for name in names), *(f"fraction_{name}" for name in names), *LAST_COLUMNS]


def summary_rows(
    found: Iterable[Stretch], per: str, model: str = "auto"
) -> Iterator[tuple[tuple[str, ...], list[Any]]]:
    """Sum up stretches, by camera and time; no more than one stretch's periods are held in memory.

    Parameters
    ----------
    found : as `aurorapt.science.stretches.stretches` gives them
    per : minute, hour or night, which is from local noon to local noon
    model : of `aurorapt.science.smoothing.MODELS`

    Yields
    ------
    the classes, and a row of `columns` of them. ``expected`` are the frames that one every 3 s would give between the
    first and the last frame of a stretch, ``missing`` those of them that are not there: where nothing came for two
    hours the camera is taken to be off. ``expected_pulsating_min`` is the sum of the smoothed probabilities of
    pulsating, in minutes; ``flicker`` the share of successive frames whose labels differ; magnetic local time (h) and
    latitude (degrees), elevation of the sun (degrees), moon and share of its disk that is lit are at the mean time of
    the frames, or at the period's middle where there are none.

    Raises
    ------
    OptionError
        If the stretches have different classes, or there is no such period.
    """
    if per not in LENGTHS:
        raise OptionError(f"--per {per!r} is unknown; give {' or '.join(LENGTHS)}")
    held: Sums | None = None  # its last period may go on in the next stretch
    for stretch in found:
        sums = _sums(stretch, per, model)
        if held is not None and sums.classes != held.classes:
            names = (stretch.night_files[0].result.csv_file, ", ".join(sums.classes), ", ".join(held.classes))
            raise OptionError("{} has the classes {}, not {}; sum up the results of one network".format(*names))
        if held is not None and held.camera == sums.camera and held.starts[-1] == sums.starts[0]:
            sums.sums[0] += held.sums[-1]
            held = Sums(held.site, held.camera, held.classes, held.starts[:-1], held.sums[:-1])
        if held is not None:
            yield from _rows(held, per)
        held = sums
    if held is not None:
        yield from _rows(held, per)


def _sums(stretch: Stretch, per: str, model: str) -> Sums:
    length = LENGTHS[per]
    offset = _noon(stretch.site) if per == "night" else 0
    seconds = stretch.seconds
    numbers = (seconds - offset) // length
    starts = np.arange(numbers[0], numbers[-1] + 1) * length + offset
    places = numbers - numbers[0]
    differ = np.concatenate([[False], np.diff(stretch.labels) != 0])
    first, end = seconds[0], seconds[-1] + FRAME_SECONDS
    expected = (np.minimum(starts + length, end) - np.maximum(starts, first)) / FRAME_SECONDS
    probabilities = choose_smoother(model, stretch.classes)(stretch)
    values = [np.ones(len(seconds)), seconds - starts[places], stretch.confidences, np.arange(len(seconds)) > 0, differ]
    values += [*votes(stretch).T, *probabilities.T]
    added = [np.bincount(places, weights=value.astype(np.float64), minlength=len(starts)) for value in values]
    return Sums(stretch.site, stretch.camera, stretch.classes, starts, np.stack([np.rint(expected), *added], axis=1))


def _noon(site: str) -> int:
    """Give the seconds after midnight UTC of a site's noon, to the minute."""
    longitude = SITES[site].longitude if site in SITES else MIDDLE_LONGITUDE
    return round((12 - longitude / 15) * 60) * 60


def _rows(sums: Sums, per: str) -> Iterator[Row]:
    count = len(sums.classes)
    if not len(sums.starts):
        return
    expected, observed, since, confidence, pairs, differ = sums.sums[:, :6].T
    votes_, probabilities = sums.sums[:, 6 : 6 + count], sums.sums[:, 6 + count :]
    with np.errstate(invalid="ignore"):
        fractions = (votes_ / observed[:, None]).round(4)
        mean_confidence, flicker, mean_since = confidence / observed, differ / pairs, since / observed
    mean_since = np.where(observed > 0, mean_since, LENGTHS[per] / 2)
    sky = _sky(sums.site, (sums.starts + np.rint(mean_since).astype(np.int64)).astype("datetime64[s]"))
    minutes = np.full(len(observed), np.nan)
    if "pulsating" in sums.classes:
        minutes = (probabilities[:, sums.classes.index("pulsating")] * FRAME_SECONDS / 60).round(3)
    smoothed = np.where(observed > 0, np.array(sums.classes)[probabilities.argmax(axis=1)], "")
    start_texts = np.datetime_as_string(sums.starts.astype("datetime64[s]"), timezone="UTC")
    missing = np.maximum(expected - observed, 0)
    parts = [start_texts, *(counts.astype(np.int64) for counts in (expected, observed, missing))]
    parts += [*votes_.astype(np.int64).T, *fractions.T, smoothed]
    parts += [np.where(observed > 0, minutes, np.nan), mean_confidence.round(4), flicker.round(4), *sky]
    for row in zip(*(part.tolist() for part in parts), strict=True):
        yield sums.classes, [sums.site, sums.camera, *row]


def _sky(site: str, times: NDArray[np.datetime64]) -> list[NDArray[Any]]:
    """Give the columns from mlt on."""
    moon = moon_elevation(site, times)
    up = (moon > 0).astype(object)
    up[np.isnan(moon)] = None
    return [
        magnetic_local_time(site, times).round(2),
        magnetic_latitude(site, times).round(1),
        solar_elevation(site, times).round(1),
        up,
        moon_phase(times).round(3),
    ]
