"""The frames of a camera-night with what its result says of each, minute by minute, from the archive."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import groupby
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aurorapt.archive.camera_nights import CameraNight, Problem
from aurorapt.archive.frames import read_minute
from aurorapt.archive.names import MINUTE_FILE
from aurorapt.archive.night_listing import MinuteFile, list_minute_files
from aurorapt.errors import ArchiveError
from aurorapt.pictures.keogram import FILE_TIMEOUT, find_frames
from aurorapt.pictures.night_data import Night


@dataclass(frozen=True)
class NightFrame:
    """One frame: raw counts (256, 256) uint16 [y, x], its UTC time, and the place of its row, None where it has none.

    Row 0 of the image is its north edge, column 0 its east edge, as the camera wrote them.
    """

    image: NDArray[np.uint16]
    time: datetime
    place: int | None


@dataclass
class NightFrames:
    """The frames of a camera-night, read a minute at a time.

    ``night`` : what is said of the frames
    ``camera_night`` : where they are
    ``minutes`` : the minutes there are, as YYYYMMDD_HHMM in order of time, and the files of each
    ``salvage`` : whether the intact frames of damaged files have rows too
    ``problems`` : of the files read so far
    """

    night: Night
    camera_night: CameraNight
    minutes: dict[str, list[MinuteFile]]
    salvage: bool = False
    problems: list[Problem] = field(default_factory=list)

    def minutes_of_rows(self, shift: timedelta = timedelta()) -> NDArray[np.str_]:
        """Give the minute in which each row lies, or would if it were so much later: (n,) YYYYMMDD_HHMM."""
        texts = np.datetime_as_string(self.night.times + np.timedelta64(shift), unit="m")
        return np.array([f"{text[:10]}_{text[11:]}".replace("-", "").replace(":", "") for text in texts], dtype="U13")

    def read(self, minute: str) -> list[NightFrame]:
        """Read the frames of a minute in order of time; none where its files are missing or cannot be read.

        Of several frames within one second the one read last has the row, as in the CSV.
        """
        frames: list[tuple[datetime, NDArray[np.uint16]]] = []
        for minute_file in self.minutes.get(minute, ()):
            found = read_minute(minute_file, self.camera_night.site, self.camera_night.date, FILE_TIMEOUT, self.salvage)
            self.problems += found.problems
            frames += zip(found.times, found.images, strict=True)
        seconds = np.array([time for time, _ in frames], dtype="datetime64[s]")
        places = np.searchsorted(self.night.times, seconds)
        last_of_second = {second: number for number, second in enumerate(seconds.tolist())}
        labelled = [
            NightFrame(image, time, self._row(place, seconds[number]) if last_of_second[second] == number else None)
            for number, ((time, image), place, second) in enumerate(zip(frames, places, seconds.tolist(), strict=True))
        ]
        return sorted(labelled, key=lambda frame: frame.time)

    def _row(self, place: np.intp, second: np.datetime64) -> int | None:
        there = place < len(self.night.times) and self.night.times[place] == second
        return int(place) if there else None


def open_night_frames(stream0: Path, night: Night) -> NightFrames:
    """Find the frames of a camera-night in an archive; none is read yet.

    Parameters
    ----------
    stream0 : archive, the folder that holds the years
    night : what is said of them

    Raises
    ------
    ArchiveError
        If the archive cannot be read, or does not hold this camera-night, or none of the minutes that have rows.
    """
    camera_night = find_frames(night, stream0)
    listing = list_minute_files(camera_night)
    minutes = {minute: list(same) for minute, same in groupby(listing.minute_files, key=_minute)}
    salvage = night.companion is not None and night.companion.salvage
    frames = NightFrames(night, camera_night, minutes, salvage, listing.problems)
    if not minutes.keys() & set(frames.minutes_of_rows().tolist()):
        raise ArchiveError(
            f"{camera_night.folder} holds no minute that {night.night_file.result.csv_file} has rows of; "
            "give the --stream0 that was classified"
        )
    return frames


def _minute(minute_file: MinuteFile) -> str:
    match = MINUTE_FILE.fullmatch(minute_file.path.name)
    assert match is not None
    return match["minute"]
