"""Events: when a class was there without a break, for how long, and how sure that is."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aurorapt.science.magnetic_time import magnetic_latitude, magnetic_local_time
from aurorapt.science.smoothing import Smoother
from aurorapt.science.stretches import FRAME_SECONDS, Stretch

GOOD_PROBABILITY = 0.5  # mean probability of an event of good quality
GOOD_COVERAGE = 0.9  # share of its frames that are there


@dataclass(frozen=True)
class EventRule:
    """What makes one event of frames of a class, all in seconds.

    ``close`` : longest break within an event
    ``min_duration`` : shortest event
    ``longest_gap`` : longest time without frames within an event
    """

    close: int = 600
    min_duration: int = 600
    longest_gap: int = 120


class Run(NamedTuple):
    """The places of an event's first and last frame."""

    first: int
    last: int


@dataclass(frozen=True)
class Event:
    """One row of the table of events.

    ``start``, ``end`` : ISO 8601 UTC; the first frame, and three seconds after the last
    ``duration_min``, ``observed_min`` : from start to end, and of that what frames cover
    ``p_mean`` : mean over its frames of the smoothed probability of the class (of its share, with the majority)
    ``raw_fraction``, ``flicker`` : share of its frames that the network gave the class; share of successive frames that
        it gave different ones
    ``mlt_start``, ``mlt_end``, ``mlat`` : magnetic local time in hours, and magnetic latitude in degrees, of the site
    ``start_censored``, ``end_censored`` : whether the data begin or end there, so that the event may be longer
    ``site_validated`` : whether, with its site left out of the fit, the class was found there as a human saw it
    ``quality`` : good where the site is validated, ``p_mean`` is at least `GOOD_PROBABILITY` and at least
        `GOOD_COVERAGE` of the duration is observed; else doubtful
    ``weights_sha256`` : of the network, from the companions; empty where there are none
    ``network_p_mean`` : mean of the network's own probability of the class, NaN where it is not on disk
    """

    event_id: str
    site: str
    camera: str
    start: str
    end: str
    duration_min: float
    observed_min: float
    frames: int
    class_name: str
    p_mean: float
    raw_fraction: float
    flicker: float
    mlt_start: float
    mlt_end: float
    mlat: float
    start_censored: bool
    end_censored: bool
    site_validated: bool
    quality: str
    weights_sha256: str
    model_id: str
    network_p_mean: float


def runs_of(seconds: NDArray[np.int64], wanted: NDArray[np.bool_], rule: EventRule) -> list[Run]:
    """Find the runs of frames that are wanted.

    Parameters
    ----------
    seconds : (n,) times, ascending
    wanted : (n,)

    Returns
    -------
    in order of time; an event lasts from its first frame to three seconds after its last
    """
    found: list[Run] = []
    bounds = [0, *(np.flatnonzero(np.diff(seconds) > rule.longest_gap) + 1).tolist(), len(seconds)]
    for first, end in pairwise(bounds):
        steps = np.diff(np.concatenate([[False], wanted[first:end], [False]]).astype(np.int8))
        runs = [
            Run(first + int(start), first + int(stop) - 1)
            for start, stop in zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True)
        ]
        closed = _close(seconds, runs, rule.close)
        found += [run for run in closed if _duration(seconds, run) >= rule.min_duration]
    return found


def _close(seconds: NDArray[np.int64], runs: list[Run], longest_break: int) -> list[Run]:
    closed: list[Run] = []
    for run in runs:
        if closed and seconds[run.first] - seconds[closed[-1].last] - FRAME_SECONDS <= longest_break:
            closed[-1] = Run(closed[-1].first, run.last)
        else:
            closed.append(run)
    return closed


def _duration(seconds: NDArray[np.int64], run: Run) -> int:
    return int(seconds[run.last] - seconds[run.first]) + FRAME_SECONDS


def find_events(
    stretch: Stretch,
    probabilities: NDArray[np.float64],
    class_name: str,
    rule: EventRule,
    smoother: Smoother,
    validated_sites: frozenset[str],
) -> Iterator[Event]:
    """Find the events of a class in a stretch: runs of the frames whose smoothed class it is.

    Parameters
    ----------
    probabilities : (n, classes) float64 [frame, class], as ``smoother`` gave them
    class_name : one of the stretch's classes
    validated_sites : where the smoothed class has been found to be what a human saw
    """
    number = stretch.classes.index(class_name)
    wanted = probabilities.argmax(axis=1) == number
    for run in runs_of(stretch.seconds, wanted, rule):
        yield _event(stretch, probabilities[:, number], number, run, rule, smoother, stretch.site in validated_sites)


def _event(
    stretch: Stretch,
    probabilities: NDArray[np.float64],
    number: int,
    run: Run,
    rule: EventRule,
    smoother: Smoother,
    site_validated: bool,
) -> Event:
    chosen = slice(run.first, run.last + 1)
    labels = stretch.labels[chosen]
    start = stretch.times[run.first]
    end = stretch.times[run.last] + np.timedelta64(FRAME_SECONDS, "s")
    duration = _duration(stretch.seconds, run) / 60
    observed = len(labels) * FRAME_SECONDS / 60
    p_mean = float(probabilities[chosen].mean())
    mlt_start, mlt_end = magnetic_local_time(stretch.site, np.array([start, end]))
    weights = {stretch.night_files[file].weights[0] for file in np.unique(stretch.files[chosen])}
    name = stretch.classes[number]
    good = site_validated and p_mean >= GOOD_PROBABILITY and observed >= GOOD_COVERAGE * duration
    return Event(
        event_id=f"{stretch.camera}_{compact(start)}_{name}",
        site=stretch.site,
        camera=stretch.camera,
        start=f"{start}Z",
        end=f"{end}Z",
        duration_min=round(duration, 2),
        observed_min=round(observed, 2),
        frames=len(labels),
        class_name=name,
        p_mean=round(p_mean, 4),
        raw_fraction=round(float((labels == number).mean()), 4),
        flicker=round(flicker(labels), 4),
        mlt_start=round(float(mlt_start), 2),
        mlt_end=round(float(mlt_end), 2),
        mlat=round(float(magnetic_latitude(stretch.site, np.array([start]))[0]), 1),
        start_censored=_begins_data(stretch.seconds, run.first, rule),
        end_censored=_begins_data(-stretch.seconds[::-1], len(stretch.seconds) - 1 - run.last, rule),
        site_validated=site_validated,
        quality="good" if good else "doubtful",
        weights_sha256="+".join(sorted(weights)),
        model_id=smoother.model_id,
        network_p_mean=round(float(stretch.probabilities[chosen, number].mean()), 4),
    )


def flicker(labels: NDArray[np.intp]) -> float:
    """Give the share of successive frames whose labels differ; 0 for a single frame."""
    return float((np.diff(labels) != 0).mean()) if len(labels) > 1 else 0.0


def compact(time: np.datetime64) -> str:
    """Write a time as 20200221T081854Z."""
    return str(time).replace("-", "").replace(":", "") + "Z"


def _begins_data(seconds: NDArray[np.int64], place: int, rule: EventRule) -> bool:
    """Say whether no frame comes shortly before this one."""
    return bool(place == 0 or seconds[place] - seconds[place - 1] > rule.longest_gap)
