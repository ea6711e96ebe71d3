"""A simulated THEMIS all-sky camera: frames with known classes, and archives of real minute files.

The truth is a function of seed, site and time alone, so a minute is the same bytes whether it is simulated alone,
in a month, or after any other.
"""

import csv
import zlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aurorapt.errors import OptionError
from aurorapt.intervals import intervals_of_one_class
from aurorapt.simulation.observatory import SimulatedCamera
from aurorapt.simulation.textures import random_stream
from aurorapt.themis import CADENCE, FRAME_SIZE, FRAMES_PER_MINUTE

FIRST_YEAR, LAST_YEAR = 1990, 2100  # the ephemeris formulas hold between them
GZIP_WINDOW = 31  # zlib's code for a gzip header, which then has no time and no name in it
TRUTH_NAME = "truth.csv"


@dataclass(frozen=True)
class SimulatedFrames:
    """Frames of one camera with their truth.

    Attributes
    ----------
    site : a key of ``SITES``
    times : n naive UTC times
    images : (n, 256, 256) uint16 [frame, y, x], raw counts; row 0 is the northern edge, column 0 the eastern one
    classes : n class names
    """

    site: str
    times: list[datetime]
    images: NDArray[np.uint16]
    classes: list[str]


def simulate_frames(site: str, times: Iterable[datetime], seed: int = 0) -> SimulatedFrames:
    """Return the frames that a simulated camera takes.

    Parameters
    ----------
    site : a key of ``SITES``
    times : naive UTC times, by night or not, in any order
    seed : number of the simulated world, 0 or above

    Raises
    ------
    OptionError
        If the site is not a THEMIS site, or the seed is negative.
    """
    camera = SimulatedCamera(site, seed)
    times = list(times)
    images = np.empty((len(times), FRAME_SIZE, FRAME_SIZE), np.uint16)
    for image, time in zip(images, times, strict=True):
        image[:] = camera.expose(time)
    return SimulatedFrames(site, times, images, [camera.class_at(time) for time in times])


def frame_times(site: str, minute: datetime, seed: int = 0) -> list[datetime]:
    """Return when the 20 frames of a minute are taken, UTC.

    Requests come every 3 s, 5 to 65 ms late, each about 21 ms less late than the one before until the lateness starts
    again: so it is in the headers of real minute files.
    """
    random = random_stream(seed, site, "clock", minute.toordinal(), minute.hour * 60 + minute.minute)
    lateness = (random.uniform(0, 60000) - 21000 * np.arange(FRAMES_PER_MINUTE)) % 60000
    lateness += 5000 + random.uniform(0, 200, FRAMES_PER_MINUTE)
    return [minute + number * CADENCE + timedelta(microseconds=int(us)) for number, us in enumerate(lateness)]


def simulate_archive(
    output: Path | str,
    start: date,
    end: date,
    sites: Sequence[str],
    seed: int = 0,
    minutes_per_hour: int = 60,
    hours: Sequence[int] = tuple(range(24)),
) -> int:
    """Write a stream0 tree of simulated minute files, and their truth.

    Below ``output`` come YYYY/MM/DD/SITE_DEVICE/utHH/YYYYMMDD_HHMM_SITE_DEVICE_full.pgm.gz for the minutes in which the
    sun is at least 9 degrees down, and truth.csv with the columns site, start, end, class: one row for each unbroken
    run of frames of one class, from its first frame to its last.

    Parameters
    ----------
    output : a folder that is not there yet, or is empty
    start, end : first and last UT date, both included
    sites : keys of ``SITES``
    seed : number of the simulated world, 0 or above
    minutes_per_hour : 1 to 60 minutes of each hour, evenly spread; the others are left out
    hours : UT hours to simulate, 0 to 23

    Returns
    -------
    how many minute files were written

    Raises
    ------
    OptionError
        If an option cannot be used, or ``output`` already holds something.
    """
    output = Path(output)
    _check_options(output, start, end, sites, minutes_per_hour, hours)
    cameras = [SimulatedCamera(site, seed) for site in sites]
    output.mkdir(parents=True, exist_ok=True)
    minutes = [
        hour * 60 + 60 * part // minutes_per_hour for hour in sorted(set(hours)) for part in range(minutes_per_hour)
    ]
    count = 0
    with (output / TRUTH_NAME).open("w", newline="") as file:
        rows = csv.writer(file, lineterminator="\n")
        rows.writerow(["site", "start", "end", "class"])
        for camera in cameras:
            frames: list[tuple[datetime, str]] = []
            for day in range((end - start).days + 1):
                midnight = datetime.combine(start + timedelta(days=day), datetime.min.time())
                for minute in (midnight + timedelta(minutes=number) for number in minutes):
                    if camera.is_dark(minute):
                        frames += _write_minute(output, camera, minute)
                        count += 1
            rows.writerows((camera.site, first, last, name) for first, last, name in _intervals(frames))
    return count


def _check_options(
    output: Path, start: date, end: date, sites: Sequence[str], minutes_per_hour: int, hours: Sequence[int]
) -> None:
    if end < start:
        raise OptionError(f"the end {end} is before the start {start}")
    if start.year < FIRST_YEAR or end.year > LAST_YEAR:
        raise OptionError(f"the dates must lie between {FIRST_YEAR} and {LAST_YEAR}")
    if not sites:
        raise OptionError("name at least one site to simulate")
    if len(set(sites)) < len(sites):
        raise OptionError("a site is named twice")
    if not 1 <= minutes_per_hour <= 60:
        raise OptionError(f"minutes per hour must be 1 to 60, not {minutes_per_hour}")
    if not hours or any(not 0 <= hour <= 23 for hour in hours):
        raise OptionError("hours must be one or more of 0 to 23")
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise OptionError(f"{output} is there already and not an empty folder; name a new one")


def _write_minute(output: Path, camera: SimulatedCamera, minute: datetime) -> list[tuple[datetime, str]]:
    """Write one minute file and return the time and class of each of its frames."""
    times = frame_times(camera.site, minute, camera.seed)
    content = b"".join(
        _header(camera, time, number) + camera.expose(time).astype(">u2").tobytes() for number, time in enumerate(times)
    )
    folder = output / f"{minute:%Y/%m/%d}/{camera.site}_{camera.place.simulated_device}/ut{minute:%H}"
    folder.mkdir(parents=True, exist_ok=True)
    packer = zlib.compressobj(level=1, wbits=GZIP_WINDOW)
    name = f"{minute:%Y%m%d_%H%M}_{camera.site}_{camera.place.simulated_device}_full.pgm.gz"
    (folder / name).write_bytes(packer.compress(content) + packer.flush())
    return [(time, camera.class_at(time)) for time in times]


def _header(camera: SimulatedCamera, time: datetime, number: int) -> bytes:
    """Return the text before a frame; only a file's first frame describes camera and site, as in real files."""
    place = camera.place
    camera_lines = f"""\
#"Revised" 2006-05-22
#"Project unique ID" themis-gbo
#"Site unique ID" {camera.site}
#"Imager unique ID" {place.simulated_device}
#"Imager model" starlight Xpress MX716 with THEMIS all-sky optics
#"Imager comment" simulated by aurorapt, seed {camera.seed}: not an observation
#"Ccd type" Sony ICX249AL
#"Ccd xsize" 752 pixels
#"Ccd ysize" 290 pixels
#"Ccd background" 3300
#"Pixel depth" 16 bits
#"Pixel aspect ratio" 0.5181
#"Optical type" THEMIS all-sky
#"Optical projection" a1=1.5,a3=0.0,b2=0.0,b4=0.0
#"Optical center" x0=382,y0=150
#"Computer name" {camera.site} simulated
#"Operating system" simulated
#"Project unique ID" THEMIS
#"Site unique ID" {camera.site}
#"Site name" {place.name}
#"Geodetic latitude" {place.latitude:.4f}
#"Geodetic Longitude" {place.longitude:.4f}
#"Geodetic altitude" 0.0
"""
    exposure = 985.08 + time.microsecond % 19 / 100  # milliseconds
    readout = time + timedelta(milliseconds=exposure)
    minute = int((time - datetime(FIRST_YEAR, 1, 1)) / timedelta(minutes=1))
    frame_lines = f"""\
#"Mode unique ID" full
#"Mode sequence number" {minute * FRAMES_PER_MINUTE + number}
#"CCD device" /dev/ccdA
#"Exposure options" WIDTH=512 HEIGHT=256 XBIN=2 YBIN=1 XOFFSET=126 YOFFSET=22 MSEC=999
#"Image request start" {time:%Y-%m-%d %H:%M:%S.%f} UTC
#"Image readout start" {readout:%Y-%m-%d %H:%M:%S.%f} UTC
#"Exposure plus initial readout" {exposure:9.2f} ms
256 256
65535
"""
    return f"P5\n{camera_lines if number == 0 else ''}{frame_lines}".encode("ascii")


def _intervals(frames: list[tuple[datetime, str]]) -> Iterator[tuple[str, str, str]]:
    """Yield first second, last second and class of each run of frames of one class without a gap of a minute."""
    times, classes = [time for time, _ in frames], [name for _, name in frames]
    for first, last, name in intervals_of_one_class(times, classes, timedelta(minutes=1)):
        yield f"{times[first]:%Y-%m-%d %H:%M:%S}", f"{times[last]:%Y-%m-%d %H:%M:%S}", name


class Truth:
    """The true classes of a simulated archive, as its truth.csv gives them."""

    def __init__(self, path: Path) -> None:
        self._starts: dict[str, list[datetime]] = {}
        self._classes: dict[str, list[str]] = {}
        with path.open(newline="") as file:
            for row in csv.DictReader(file):
                self._starts.setdefault(row["site"], []).append(datetime.fromisoformat(row["start"]))
                self._classes.setdefault(row["site"], []).append(row["class"])

    def at(self, site: str, time: datetime) -> str:
        """Give the class of a site's frame at a time; every frame of the archive lies in one interval."""
        return self._classes[site][bisect_right(self._starts[site], time) - 1]
