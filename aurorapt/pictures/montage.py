"""A montage of a camera-night: frames of each class, and the least certain ones, as the network sees them."""

import io
from collections.abc import Sequence
from pathlib import Path

from PIL import Image, ImageDraw

from aurorapt.archive.camera_nights import Problem
from aurorapt.errors import printable
from aurorapt.images.preprocess import Preprocessor
from aurorapt.pictures.colours import BACKGROUND, FAINT, INK, class_colours
from aurorapt.pictures.frame_tiles import font, sky_tile, view_of_network
from aurorapt.pictures.montage_choice import APART, Group, choose_groups
from aurorapt.pictures.night_data import Night
from aurorapt.pictures.night_frames import NightFrame, NightFrames, open_night_frames
from aurorapt.pictures.picture_files import check_ending, write_picture

ENDINGS = ("png", "pdf")
PER_GROUP = 6
TILE = 280  # pixels, both ways
GAP, MARGIN = 20, 40  # pixels
TITLE, HEADING, CAPTION, NOTE = 42, 34, 30, 24  # pixels; the captions have 8 points where the whole is 7 inches wide
HEAD_HEIGHT, HEADING_HEIGHT, CAPTION_HEIGHT, LINE = 84, 50, 102, 32
DOTS_PER_INCH = 267
ORIENTATION = "north up, east to the left, as seen from below"
NOT_READ = "no file of these\nframes can be read"


def draw_montage(
    frames: NightFrames, preprocessor: Preprocessor, notes: Sequence[str] = (), per_group: int = PER_GROUP
) -> Image.Image:
    """Draw frames of each class with time, label and confidence; only the minutes that hold them are read.

    Parameters
    ----------
    frames : of the camera-night
    preprocessor : of the weights
    notes : small print, line by line
    per_group : most frames of a class

    Returns
    -------
    an RGB picture; the frames that are chosen stand for equal numbers of frames of their class, in order of time
    """
    night = frames.night
    groups = choose_groups(frames, per_group)
    notes = [*notes, ORIENTATION]
    row = HEADING_HEIGHT + TILE + CAPTION_HEIGHT
    width = 2 * MARGIN + per_group * TILE + (per_group - 1) * GAP
    height = 2 * MARGIN + HEAD_HEIGHT + len(groups) * row + len(notes) * LINE
    picture = Image.new("RGB", (width, height), BACKGROUND)
    draw = ImageDraw.Draw(picture)
    draw.text((MARGIN, MARGIN), f"{printable(night.camera)}, {frames.camera_night.date}", INK, font(TITLE))
    colours = class_colours(night.classes)
    for number, group in enumerate(groups):
        y = MARGIN + HEAD_HEIGHT + number * row
        _draw_heading(draw, y, group, night, colours)
        for column, frame in enumerate(group.frames):
            corner = (MARGIN + column * (TILE + GAP), y + HEADING_HEIGHT)
            _draw_tile(picture, corner, frame, night, preprocessor, colours)
    for number, note in enumerate(notes):
        draw.text((MARGIN, height - MARGIN - (len(notes) - number) * LINE), note, INK, font(NOTE))
    return picture


def _draw_heading(draw: ImageDraw.ImageDraw, y: int, group: Group, night: Night, colours: dict[str, str]) -> None:
    x = MARGIN
    if group.name:
        draw.rectangle((x, y + 4, x + HEADING, y + 4 + HEADING), colours[group.name])
        x += HEADING + 14
        text = f"{printable(group.name)}: {group.rows} of {len(night.times)} frames"
    else:
        text = f"least certain of all, at least {APART} s apart"
    draw.text((x, y + 4 + HEADING / 2), text, INK, font(HEADING), anchor="lm")


def _draw_tile(
    picture: Image.Image,
    corner: tuple[int, int],
    frame: NightFrame | None,
    night: Night,
    preprocessor: Preprocessor,
    colours: dict[str, str],
) -> None:
    draw = ImageDraw.Draw(picture)
    x, y = corner
    if frame is None or frame.place is None:
        draw.rectangle((x, y, x + TILE - 1, y + TILE - 1), FAINT)
        middle = (x + TILE / 2, y + TILE / 2)
        draw.multiline_text(middle, NOT_READ, INK, font(CAPTION), anchor="mm", align="center")
        return
    picture.paste(sky_tile(frame.image, preprocessor, TILE), corner)
    label = night.classes[night.labels[frame.place]]
    y += TILE + 4
    draw.text((x, y), f"{frame.time:%H:%M:%S} UT", INK, font(CAPTION))
    y += round(1.2 * CAPTION)
    draw.rectangle((x, y + 7, x + 20, y + 27), colours[label])
    draw.text((x + 28, y), f"{printable(label)} {night.confidences[frame.place]:.2f}", INK, font(CAPTION))


def write_montage(night: Night, path: Path, stream0: Path, weights: Path | None = None) -> list[Problem]:
    """Write a night's montage.

    Parameters
    ----------
    path : ends with .png or .pdf
    stream0 : archive that was classified
    weights : weights file whose view of the sky is shown; the default weights where None

    Returns
    -------
    what could not be used of the files that were read

    Raises
    ------
    OptionError
        If the path has another ending.
    ArchiveError
        If the archive does not hold this night.
    WeightsError
        If there are no such weights.
    ResultsError
        If the file cannot be written.
    """
    ending = check_ending(path, ENDINGS)
    frames = open_night_frames(stream0, night)
    content = io.BytesIO()
    montage = draw_montage(frames, *view_of_network(night, weights))
    montage.save(content, ending, dpi=(DOTS_PER_INCH, DOTS_PER_INCH), resolution=DOTS_PER_INCH)
    write_picture(path, content.getvalue())
    return list(dict.fromkeys(frames.problems))
