"""One picture of a movie: a frame as the network sees it, what is said of it, and where in the night it lies."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from textwrap import wrap

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from aurorapt.errors import printable
from aurorapt.images.preprocess import Preprocessor
from aurorapt.pictures.colours import class_colours
from aurorapt.pictures.frame_tiles import font, sky_tile
from aurorapt.pictures.night_data import Night
from aurorapt.pictures.time_bins import LONGEST_STEP, TimeBins, choose_bins

SIZE = (960, 540)  # pixels; both even, as yuv420p wants them, and the shape of slides and screens
DARK, CARD, LIGHT, MUTED = "#101010", "#303030", "#FFFFFF", "#B0B0B0"
SIDE = SIZE[1]
LEFT, RIGHT = SIDE + 30, SIZE[0] - 30  # of the text and of the ribbon
HUGE, LARGE, TEXT, SMALL, NOTE = 52, 32, 26, 20, 17  # pixels
TIME_Y, LABEL_Y, LEGEND_Y, RIBBON_Y, NOTES_Y = 80, 166, 272, 352, 436  # upper edges
RIBBON_HEIGHT = 30
NOTE_WIDTH = 44  # characters
MOST_IN_LEGEND = 4  # classes
NO_ROW = "no row in the results"
LONGEST_GAP = timedelta(seconds=LONGEST_STEP)  # between two frames, before the movie says that there are none


class MoviePage:
    """Draws the pictures of one movie.

    Parameters
    ----------
    night : what is said of the frames
    start, end : of the movie, for the ribbon
    preprocessor : of the weights
    notes : small print, line by line
    """

    def __init__(
        self, night: Night, start: datetime, end: datetime, preprocessor: Preprocessor, notes: Sequence[str]
    ) -> None:
        self.night, self.preprocessor = night, preprocessor
        self._colours = class_colours(night.classes)
        self._start, self._end = start, max(end, start + timedelta(seconds=1))
        self._base = Image.new("RGB", SIZE, DARK)
        self._draw_base(notes)

    def frame(self, image: NDArray[np.uint16], time: datetime, place: int | None) -> Image.Image:
        """Draw one frame.

        Parameters
        ----------
        image : (256, 256) uint16 [y, x], raw counts, row 0 north, column 0 east
        time : UTC
        place : of its row; None where it has none

        Returns
        -------
        an RGB picture of `SIZE`
        """
        page, draw = self._page(time)
        page.paste(sky_tile(image, self.preprocessor, SIDE), (0, 0))
        if place is None:
            draw.text((LEFT, LABEL_Y), NO_ROW, MUTED, font(TEXT))
            return page
        label = self.night.classes[self.night.labels[place]]
        _named_swatch(draw, (LEFT, LABEL_Y), LARGE, label, self._colours[label], LIGHT)
        confidence = f"confidence {self.night.confidences[place]:.2f}"
        draw.text((LEFT, LABEL_Y + 48), confidence, LIGHT, font(TEXT))
        return page

    def gap(self, last: datetime, following: datetime) -> Image.Image:
        """Draw what stands where there are no frames from one time to another."""
        page, draw = self._page(last)
        seconds = round((following - last).total_seconds())
        lasts = f"{seconds} s" if seconds < 120 else f"{seconds / 60:.0f} min"
        draw.rectangle((0, 0, SIDE - 1, SIZE[1] - 1), CARD)
        draw.text((SIDE / 2, 230), f"no frames for {lasts}", LIGHT, font(LARGE), anchor="mm")
        draw.text((SIDE / 2, 290), f"next at {following:%H:%M:%S} UT", LIGHT, font(TEXT), anchor="mm")
        return page

    def _page(self, time: datetime) -> tuple[Image.Image, ImageDraw.ImageDraw]:
        """Give a page with the time, in words and on the ribbon."""
        page = self._base.copy()
        draw = ImageDraw.Draw(page)
        draw.text((LEFT, TIME_Y), f"{time:%H:%M:%S} UT", LIGHT, font(HUGE))
        x = self._x(time)
        draw.line((x, RIBBON_Y - 8, x, RIBBON_Y + RIBBON_HEIGHT + 8), LIGHT, width=3)
        return page, draw

    def _x(self, time: datetime) -> float:
        share = (time - self._start) / (self._end - self._start)
        return LEFT + (RIGHT - LEFT) * min(max(share, 0), 1)

    def _draw_base(self, notes: Sequence[str]) -> None:
        draw = ImageDraw.Draw(self._base)
        draw.text((LEFT, 24), f"{printable(self.night.camera)}, {self._start:%Y-%m-%d}", LIGHT, font(TEXT))
        bins = choose_bins(np.datetime64(self._start, "s"), np.datetime64(self._end, "s"), RIGHT - LEFT)
        shares = bins.shares(self.night.times, self.night.labels, len(self.night.classes))
        seen = [name for name, share in zip(self.night.classes, shares.T, strict=True) if share.any()]
        for number, name in enumerate(seen[:MOST_IN_LEGEND]):
            corner = (LEFT + number % 2 * 190, LEGEND_Y + number // 2 * 32)
            _named_swatch(draw, corner, SMALL, name, self._colours[name], MUTED)
        self._draw_ribbon(draw, bins, shares)
        y = RIBBON_Y + RIBBON_HEIGHT + 10
        draw.text((LEFT, y), f"{self._start:%H:%M}", MUTED, font(SMALL))
        draw.text((RIGHT, y), f"{self._end:%H:%M}", MUTED, font(SMALL), anchor="ra")
        lines = [line for note in notes for line in wrap(note, NOTE_WIDTH)]
        draw.multiline_text((LEFT, NOTES_Y), "\n".join(lines), MUTED, font(NOTE))

    def _draw_ribbon(self, draw: ImageDraw.ImageDraw, bins: TimeBins, shares: NDArray[np.float64]) -> None:
        """Draw each class as high as its share of the frames of each bin; gaps stay dark."""
        draw.rectangle((LEFT, RIBBON_Y, RIGHT - 1, RIBBON_Y + RIBBON_HEIGHT - 1), CARD)
        edges = [self._x(edge) for edge in bins.edges.tolist()]
        tops = RIBBON_Y + np.rint(RIBBON_HEIGHT * (1 - shares.cumsum(axis=1)))
        for number, (left, right) in enumerate(pairwise(map(round, edges))):
            bottom = RIBBON_Y + RIBBON_HEIGHT
            for name, top in zip(self.night.classes, tops[number].astype(int).tolist(), strict=True):
                if top < bottom and left < right:
                    draw.rectangle((left, top, right - 1, bottom - 1), self._colours[name])
                bottom = top


def _named_swatch(
    draw: ImageDraw.ImageDraw, corner: tuple[int, int], size: int, name: str, colour: str, ink: str
) -> None:
    x, y = corner
    draw.rectangle((x, y, x + size, y + size), colour)
    draw.text((x + round(1.4 * size), y + size / 2), printable(name), ink, font(size), anchor="lm")
