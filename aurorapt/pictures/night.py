"""Pictures of a camera-night: sample frames with their classes over a ribbon of classes in time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from aurorapt.images.preprocess import equalize
from aurorapt.intervals import intervals_of_one_class
from aurorapt.pictures.colours import BACKGROUND, CLASS_COLOURS, FAINT, INK, class_colour

THUMBNAIL = 176  # pixels, both ways
GAP, MARGIN, LABELS = 12, 24, 56  # pixels
RIBBON_HEIGHT, ROW = 26, 22  # pixels
NAME_WIDTH = 64  # pixels, for the ribbons' names
LONGEST_GAP = timedelta(minutes=20)  # between two frames that one piece of ribbon joins


@dataclass(frozen=True)
class SampleFrame:
    """One frame to show: raw counts (256, 256) uint16 [y, x], its UTC time, and what is said of it, line by line."""

    image: NDArray[np.uint16]
    time: datetime
    lines: Sequence[tuple[str, str]]  # text, class whose colour it has


def draw_night(
    path: Path,
    title: str,
    samples: Sequence[SampleFrame],
    ribbons: Mapping[str, tuple[Sequence[datetime], Sequence[str]]],
) -> None:
    """Draw one camera-night as a PNG.

    Parameters
    ----------
    path : where the picture goes
    title : its heading
    samples : frames to show, in time order; north is up and east to the left, as in a sky seen from below
    ribbons : name to UTC times, ascending, and the class at each
    """
    columns = max(len(samples), 5)
    width = 2 * MARGIN + columns * THUMBNAIL + (columns - 1) * GAP
    height = 2 * MARGIN + 2 * ROW + THUMBNAIL + LABELS + len(ribbons) * (RIBBON_HEIGHT + GAP) + 3 * ROW
    picture = Image.new("RGB", (width, height), BACKGROUND)
    draw = ImageDraw.Draw(picture)
    draw.text((MARGIN, MARGIN), title, INK, _font(18))
    top = MARGIN + 2 * ROW
    for number, sample in enumerate(samples):
        _draw_sample(picture, draw, (MARGIN + number * (THUMBNAIL + GAP), top), sample)
    _draw_ribbons(draw, (MARGIN, top + THUMBNAIL + LABELS + GAP, width - MARGIN), ribbons)
    picture.save(path)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _draw_sample(picture: Image.Image, draw: ImageDraw.ImageDraw, corner: tuple[int, int], sample: SampleFrame) -> None:
    frame = Image.fromarray(equalize(sample.image[None])[0]).resize((THUMBNAIL, THUMBNAIL), Image.Resampling.BICUBIC)
    picture.paste(frame, corner)
    x, y = corner[0], corner[1] + THUMBNAIL + 4
    draw.text((x, y), f"{sample.time:%H:%M:%S} UT", INK, _font(13))
    for number, (text, name) in enumerate(sample.lines, start=1):
        draw.rectangle((x, y + 17 * number + 3, x + 9, y + 17 * number + 12), class_colour(name))
        draw.text((x + 14, y + 17 * number), text, INK, _font(13))


def _draw_ribbons(
    draw: ImageDraw.ImageDraw,
    place: tuple[int, int, int],
    ribbons: Mapping[str, tuple[Sequence[datetime], Sequence[str]]],
) -> None:
    left, top, right = place[0] + NAME_WIDTH, place[1], place[2]
    times = [time for ribbon_times, _ in ribbons.values() for time in ribbon_times]
    if not times:
        draw.text((place[0], top), "no frames", INK, _font(14))
        return
    start, end = min(times), max(times) + timedelta(seconds=1)

    def x_of(time: datetime) -> float:
        return left + (right - left) * ((time - start) / (end - start))

    bottom = top + len(ribbons) * (RIBBON_HEIGHT + GAP)
    _draw_hours(draw, (top, bottom), start, end, x_of)
    for number, (name, (ribbon_times, classes)) in enumerate(ribbons.items()):
        y = top + number * (RIBBON_HEIGHT + GAP)
        draw.text((place[0], y + 5), name, INK, _font(14))
        for first, last, label in _pieces(ribbon_times, classes):
            draw.rectangle((x_of(first), y, max(x_of(last), x_of(first) + 1), y + RIBBON_HEIGHT), class_colour(label))
    shown = [name for _, classes in ribbons.values() for name in classes]
    x = left
    for name in dict.fromkeys([*CLASS_COLOURS, *shown]):
        draw.rectangle((x, bottom + ROW + 6, x + 12, bottom + ROW + 18), class_colour(name))
        draw.text((x + 18, bottom + ROW + 3), name, INK, _font(14))
        x += 150


def _draw_hours(
    draw: ImageDraw.ImageDraw,
    rows: tuple[int, int],
    start: datetime,
    end: datetime,
    x_of: Callable[[datetime], float],
) -> None:
    hour = start.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
    while hour < end:
        draw.line((x_of(hour), rows[0], x_of(hour), rows[1]), FAINT)
        draw.text((x_of(hour), rows[1]), f"{hour:%H:%M}", INK, _font(12), anchor="ma")
        hour += timedelta(hours=1)


def _pieces(times: Sequence[datetime], classes: Sequence[str]) -> Iterator[tuple[datetime, datetime, str]]:
    """Yield stretches of one class; each reaches to the next frame, but not across a gap."""
    for first, last, name in intervals_of_one_class(times, classes, LONGEST_GAP):
        following = times[last + 1] if last + 1 < len(times) else times[last]
        yield times[first], following if following - times[last] <= LONGEST_GAP else times[last], name
