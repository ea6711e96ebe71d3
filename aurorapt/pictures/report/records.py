"""What the page holds of one camera-night, summed up from the stretches of frames that it takes part in."""

import math
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aurorapt.pictures.report.packing import pack_minutes
from aurorapt.results.companion import Companion
from aurorapt.science.events import Event
from aurorapt.science.smoothing import votes
from aurorapt.science.stretches import FRAME_SECONDS, NightFile, Stretch

MINUTES = 1440  # of a date
PROBLEMS_SHOWN = 50  # of a camera-night; its companion has all
LONGEST_TEXT = 300  # characters of a problem's file or reason
START_CENSORED, END_CENSORED, VALIDATED, GOOD = 1, 2, 4, 8  # flags of an event


@dataclass
class NightRecord:
    """One camera-night as the page has it, of values that JSON can hold.

    ``key`` : date and camera, as they are in the name of the file; no two records share it
    ``day`` : UT date as YYYY-MM-DD; empty where neither the name nor a frame tells it
    ``counts``, ``minutes`` : frames of each class, and its expected minutes: the sum of smoothed probabilities
    ``first``, ``last`` : seconds since 1970 of the first and the last frame; 0 where there is none
    ``confidence`` : mean over the frames
    ``weights`` : hash, name and kind; empty where no companion of this very file tells them
    ``made_by`` : version of aurorapt, precision, and whether damaged files were salvaged; the same
    ``model_id`` : of the smoothing
    ``problems`` : number of problems that the companion tells
    ``faults`` : files of this camera-night that could not be used, and why
    ``minutes_packed`` : what `pack_minutes` gives
    ``events`` : that begin in this night, of all classes, as `event_values` gives them
    ``thumbnails`` : keogram as base64 of WebP, in several sizes, the largest first; none where there is none
    ``thumbnail_key`` : what they were made from
    """

    key: tuple[str, str]
    site: str
    day: str
    classes: tuple[str, ...] = ()
    frames: int = 0
    counts: tuple[int, ...] = ()
    minutes: tuple[float, ...] = ()
    first: int = 0
    last: int = 0
    confidence: float = 0.0
    weights: tuple[str, str, str] = ("", "", "")
    made_by: tuple[str, str, bool] = ("", "", False)
    model_id: str = ""
    problems: int = 0
    faults: list[tuple[str, str]] = field(default_factory=list)
    minutes_packed: str = ""
    events: list[list[Any]] = field(default_factory=list)
    thumbnails: list[str] = field(default_factory=list)
    thumbnail_key: str = ""


class NightSums:
    """Sums over the frames of one camera-night, which may lie in several stretches.

    Parameters
    ----------
    night_file : whose frames these are
    """

    def __init__(self, night_file: NightFile) -> None:
        self.night_file = night_file
        self.day = day_of(night_file)
        self.classes: tuple[str, ...] = ()
        self.model_id = ""
        self.first, self.last, self.outside, self.confidence = 0, 0, 0, 0.0
        self.totals = np.zeros((2, 0))  # frames and probabilities of each class
        self.counts, self.sums = np.zeros((MINUTES, 0), np.int64), np.zeros((MINUTES, 0))
        self.events: list[list[Any]] = []
        self.faults: list[tuple[str, str]] = []

    def add(
        self, stretch: Stretch, places: NDArray[np.intp], probabilities: NDArray[np.float64], model_id: str
    ) -> None:
        """Add frames.

        Parameters
        ----------
        places : (frames,) of this camera-night in the stretch
        probabilities : (n, classes) of all frames of the stretch, smoothed
        """
        seconds, ones, smoothed = stretch.seconds[places], votes(stretch)[places], probabilities[places]
        if not self.classes:
            self._begin(stretch, model_id, int(seconds[0]))
        self.last = int(seconds[-1])
        self.confidence += float(stretch.confidences[places].sum(dtype=np.float64))
        self.totals += np.stack([ones.sum(axis=0), smoothed.sum(axis=0)])
        minute = (seconds - _midnight(self.day)) // 60
        inside = (minute >= 0) & (minute < MINUTES)
        self.outside += int((~inside).sum())
        np.add.at(self.counts, minute[inside], ones[inside].astype(np.int64))
        np.add.at(self.sums, minute[inside], smoothed[inside])

    def _begin(self, stretch: Stretch, model_id: str, first: int) -> None:
        self.classes, self.model_id, self.first = stretch.classes, model_id, first
        self.day = self.day or np.datetime64(first, "s").astype("datetime64[D]").item()
        count = len(stretch.classes)
        self.totals = np.zeros((2, count))
        self.counts, self.sums = np.zeros((MINUTES, count), np.int64), np.zeros((MINUTES, count))

    def record(self) -> NightRecord:
        """Give what the page has of it."""
        weights = self.night_file.weights
        companion = self.night_file.result.companion if any(weights) else None
        record = NightRecord(
            key=key_of(self.night_file),
            site=self.night_file.site,
            day=self.day.isoformat() if self.day else "",
            classes=self.classes or tuple(companion.classes if companion else ()),
            frames=int(self.totals[0].sum()),
            counts=tuple(int(count) for count in self.totals[0]),
            minutes=tuple(round(float(total) * FRAME_SECONDS / 60, 3) for total in self.totals[1]),
            first=self.first,
            last=self.last,
            weights=weights,
            model_id=self.model_id,
            faults=self.faults,
            events=self.events,
        )
        record.confidence = round(self.confidence / max(record.frames, 1), 4)
        if companion:
            record.made_by = (companion.aurorapt_version, companion.precision, companion.salvage)
            record.problems = len(companion.problems)
        record.minutes_packed = self._packed(companion)
        return record

    def _packed(self, companion: Companion | None) -> str:
        observed = np.flatnonzero(self.counts.sum(axis=1))
        first, end = (int(observed[0]), int(observed[-1]) + 1) if len(observed) else (0, 0)
        csv_file = self.night_file.result.csv_file
        file = csv_file.relative_to(self.night_file.root).as_posix()
        head = [_short(file), _told_problems(companion), first, end - first, self.outside]
        return pack_minutes(head, self.counts[first:end], self.sums[first:end])


def key_of(night_file: NightFile) -> tuple[str, str]:
    """Give what tells a camera-night from all others of a tree."""
    return night_file.date, night_file.camera


def day_of(night_file: NightFile) -> date | None:
    """Give the UT date that the name of a file tells."""
    try:
        return datetime.strptime(night_file.date, "%Y%m%d").date()
    except ValueError:
        return None


def _midnight(day: date | None) -> int:
    return int(np.datetime64(day, "s").astype(np.int64)) if day else 0


def _short(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else f"{text[: LONGEST_TEXT // 2]} ... {text[-LONGEST_TEXT // 2 :]}"


def _told_problems(companion: Companion | None) -> list[list[Any]]:
    problems = companion.problems[:PROBLEMS_SHOWN] if companion else []
    return [[_short(problem["file"]), _short(problem["reason"]), problem["count"]] for problem in problems]


def event_values(event: Event, number: int) -> list[Any]:
    """Give an event as whole numbers, from which the page writes the row that `aurorapt events` writes.

    Parameters
    ----------
    number : of its class among those of its camera-night

    Returns
    -------
    number of the class; start, seconds since 1970; duration, s; frames; ten-thousandths of ``p_mean``, ``raw_fraction``
    and ``flicker``; hundredths of ``mlt_start`` and ``mlt_end``, tenths of ``mlat``; flags; ``weights_sha256``;
    ``model_id``; ten-thousandths of ``network_p_mean``. None stands for what is not known.
    """
    start, end = (int(np.datetime64(text.removesuffix("Z"), "s").astype(np.int64)) for text in (event.start, event.end))
    flags = START_CENSORED * event.start_censored + END_CENSORED * event.end_censored
    flags += VALIDATED * event.site_validated + GOOD * (event.quality == "good")
    fractions = [_whole(value, 10_000) for value in (event.p_mean, event.raw_fraction, event.flicker)]
    place = [_whole(event.mlt_start, 100), _whole(event.mlt_end, 100), _whole(event.mlat, 10)]
    network = _whole(event.network_p_mean, 10_000)
    values = [number, start, end - start, event.frames, *fractions, *place, flags]
    return [*values, event.weights_sha256, event.model_id, network]


def _whole(value: float, steps: int) -> int | None:
    return None if math.isnan(value) else round(value * steps)
