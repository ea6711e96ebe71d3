"""A movie of a camera-night: its frames as the network sees them, with what is said of each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image

from aurorapt.archive.camera_nights import Problem
from aurorapt.errors import OptionError
from aurorapt.images.preprocess import Preprocessor
from aurorapt.pictures.clock_times import DAY, parse_clock_time
from aurorapt.pictures.encoder import check_movie, encoder
from aurorapt.pictures.movie_page import LONGEST_GAP, SIZE, MoviePage
from aurorapt.pictures.night_frames import NightFrame, NightFrames
from aurorapt.science.output_files import growing_file

Span = tuple[datetime, datetime]  # from when to before when, UTC

FPS = 20  # pictures a second: a minute of the night in a second
ONE_MINUTE = timedelta(minutes=1)
CARD_SECONDS = 1  # for which the movie stands still where frames are missing


@dataclass
class MovieReport:
    """What a movie shows.

    ``frames`` : frames shown, and of these ``without_row`` are not in the results
    ``gaps`` : times for which the movie says that there are no frames
    ``rows_without_frame`` : rows of the results whose frame the archive does not give
    ``problems`` : of the files that were read
    """

    frames: int = 0
    without_row: int = 0
    gaps: int = 0
    rows_without_frame: int = 0
    problems: list[Problem] = field(default_factory=list)


def write_movie(
    path: Path,
    frames: NightFrames,
    preprocessor: Preprocessor,
    start: str | None = None,
    end: str | None = None,
    fps: int = FPS,
    notes: Sequence[str] = (),
    on_minute: Callable[[int, int], None] = lambda done, total: None,
) -> MovieReport:
    """Write a movie, whole or not at all; no more than a minute of frames is held in memory.

    Parameters
    ----------
    path : ends with .mp4 or .gif
    frames : of the camera-night
    preprocessor : of the weights
    start, end : of the movie, UTC on the night's date, HH:MM or HH:MM:SS; frames at the end itself are not shown
    fps : frames a second
    notes : small print, line by line
    on_minute : called with the number of minutes that are done, and of all

    Raises
    ------
    OptionError
        If an option cannot be used, or there are no frames then.
    ResultsError
        If the movie cannot be written.
    """
    check_movie(path, fps)
    minutes, shown, ribbon = _choose(frames, start, end)
    page = MoviePage(frames.night, *ribbon, preprocessor, notes)
    report = MovieReport()
    with growing_file(path) as temporary:
        temporary.touch()  # where that cannot be done, it is said more plainly than by ffmpeg
        with encoder(temporary, SIZE, fps, path.suffix.lower()) as movie:
            last_time: datetime | None = None
            for number, minute in enumerate(minutes, start=1):
                for frame in _within(frames.read(minute), shown):
                    for picture in _pictures(page, frame, last_time, fps, report):
                        movie.add(picture)
                    last_time = frame.time
                on_minute(number, len(minutes))
            if not report.frames:
                raise OptionError(f"no frame of {frames.camera_night} could be read from {ribbon[0]} to {ribbon[1]} UT")
    in_range = np.searchsorted(frames.night.times, np.array(shown, dtype="datetime64[s]"))
    report.rows_without_frame = int(in_range[1] - in_range[0]) - (report.frames - report.without_row)
    report.problems = frames.problems
    return report


def _choose(frames: NightFrames, start: str | None, end: str | None) -> tuple[list[str], Span, Span]:
    """Give the minutes to read, from when to when frames are shown, and from when to when the ribbon goes.

    A file's first frame may be of the second before its minute.
    """
    first = 0 if start is None else parse_clock_time(start, "--from")
    last = DAY if end is None else parse_clock_time(end, "--to")
    if last <= first:
        raise OptionError(f"--to {end} is not after --from {start}; both are UT on {frames.camera_night.date}")
    midnight = datetime.combine(frames.camera_night.date, datetime.min.time())
    begins, ends = (midnight + timedelta(seconds=seconds) for seconds in (first, last))
    inside = [minute for minute in frames.minutes if begins - ONE_MINUTE < _time(minute) < ends]
    if not inside:
        raise OptionError(f"{frames.camera_night.folder} holds no minute from {begins} to {ends} UT")
    minutes = [minute for minute in frames.minutes if begins - ONE_MINUTE <= _time(minute) <= ends]
    ribbon = max(begins, _time(inside[0])), min(ends, _time(inside[-1]) + ONE_MINUTE)
    shown = datetime.min if start is None else begins, datetime.max if end is None else ends
    return minutes, shown, ribbon


def _pictures(
    page: MoviePage, frame: NightFrame, last_time: datetime | None, fps: int, report: MovieReport
) -> Iterator[Image.Image]:
    """Draw a frame, and before it, where the clock jumps, a card that says so."""
    if last_time is not None and frame.time - last_time > LONGEST_GAP:
        report.gaps += 1
        yield from [page.gap(last_time, frame.time)] * round(fps * CARD_SECONDS)
    report.frames += 1
    report.without_row += frame.place is None
    yield page.frame(frame.image, frame.time, frame.place)


def _within(frames: list[NightFrame], shown: Span) -> list[NightFrame]:
    return [frame for frame in frames if shown[0] <= frame.time < shown[1]]


def _time(minute: str) -> datetime:
    return datetime.strptime(minute, "%Y%m%d_%H%M")
