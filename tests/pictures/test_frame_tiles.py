"""Frames as the network sees them, the right way up."""

from datetime import datetime
from pathlib import Path

import numpy as np
import pytest

from aurorapt.archive.camera_nights import camera_nights
from aurorapt.archive.frames import read_minute
from aurorapt.archive.night_listing import list_minute_files
from aurorapt.ephemeris import horizontal, local_sidereal_angle, moon
from aurorapt.images.preprocess import Preprocessor
from aurorapt.pictures.frame_tiles import sky_tile, view_of_network
from aurorapt.pictures.night_data import read_one_night
from aurorapt.themis_sites import SITES
from aurorapt.weights.weights_file import read_weights
from tests.fake_camera import image
from tests.pictures.example_frames import WHOLE_SKY, edge_marked
from tests.pictures.test_night_data import write_companion
from tests.science.example_nights import blocks, write_nights

SIDE = 224  # pixels, of a tile whose pixels are those of the network
ALL, FIRST, LAST = slice(None), slice(0, 12), slice(-12, None)
BETWEEN_LETTERS = np.r_[20:90, 134:204]


@pytest.mark.parametrize(
    ("edge", "marked"),
    [
        ("north", (FIRST, ALL)),
        ("south", (LAST, ALL)),
        ("east", (ALL, FIRST)),
        ("west", (ALL, LAST)),
    ],
)
def test_north_is_up_and_east_to_the_left(edge: str, marked: tuple[slice, slice]) -> None:
    """Row 0 as the camera wrote it is north, column 0 east: what `Classifier.predict` says of its input."""
    tile = np.asarray(sky_tile(edge_marked(*marked), WHOLE_SKY, SIDE).convert("L")).astype(float)
    sides = {
        "north": tile[:8, BETWEEN_LETTERS],
        "south": tile[-8:, BETWEEN_LETTERS],
        "east": tile[BETWEEN_LETTERS, :8],
        "west": tile[BETWEEN_LETTERS, -8:],
    }
    brightest = max(sides, key=lambda name: float(np.median(sides[name])))
    assert brightest == edge


def test_a_tile_shows_what_the_network_sees_but_for_the_two_letters() -> None:
    mask = np.zeros((256, 256), np.uint8)
    mask[40:200, 50:210] = 1
    preprocessor = Preprocessor(mask)
    tile = np.asarray(sky_tile(image(3), preprocessor, SIDE))
    seen = np.rint(preprocessor(image(3)[None])[0]).astype(np.uint8)
    differs = (tile != seen[:, :, None]).any(axis=2)
    y, x = np.nonzero(differs)
    assert ((y < 30) & (abs(x - 112) < 20) | (x < 30) & (abs(y - 112) < 20)).all()
    assert np.count_nonzero(differs & (np.indices(differs.shape)[0] < 30)) > 20, "N"
    assert np.count_nonzero(differs & (np.indices(differs.shape)[1] < 30)) > 20, "E"


def test_the_moon_stands_where_it_should(shared_folder: Path) -> None:
    """In a tile of a real frame the moon's bearing, from up through left, is its azimuth within 6 degrees."""
    time = datetime(2014, 3, 10, 6, 0, 30)
    (night,) = camera_nights(shared_folder / "stream0", time.date(), time.date())
    minute = read_minute(list_minute_files(night).minute_files[0], night.site, night.date)
    mask = np.load(shared_folder / "CNN_model" / "T_angle.npy") > 15
    tile = np.asarray(sky_tile(minute.images[10], Preprocessor(mask.astype(np.uint8)), SIDE).convert("L"))
    y, x = np.indices(tile.shape) - (SIDE - 1) / 2
    sky = np.where(np.hypot(y, x) < 90, tile, 0)  # without the letters
    y, x = np.argwhere(sky > 0.9 * sky.max()).mean(axis=0) - (SIDE - 1) / 2
    site = SITES[night.site]
    body = moon(time)
    angle = local_sidereal_angle(time, site.longitude)
    azimuth, _ = horizontal(body.right_ascension, body.declination, angle, site.latitude)
    bearing = np.arctan2(-x, -y)
    assert abs(np.degrees(np.angle(np.exp(1j * (bearing - azimuth))))) < 6


def test_small_print_names_the_weights_and_says_when_others_lend_their_view(weights_file: Path, tmp_path: Path) -> None:
    (path,) = write_nights(tmp_path, "fsmi_themis", blocks("2020-02-18T06:00:00", (1, "no_aurora")))
    weights = read_weights(weights_file)
    _, notes = view_of_network(read_one_night(path, print), weights_file)
    assert notes == ["frames equalised, as the network sees them", "weights unknown: no companion of this file"]
    write_companion(path, weights_identity=weights.identity)
    assert len(view_of_network(read_one_night(path, print), weights_file)[1]) == 2
    write_companion(path, weights_identity=weights.identity, weights_kind="simulated")
    _, notes = view_of_network(read_one_night(path, print), weights_file)
    assert notes[2] == "weights trained on simulated frames: for trying the tool, not for science"
    write_companion(path, weights_identity="another")
    _, notes = view_of_network(read_one_night(path, print), weights_file)
    assert notes[2] == "dark below 15 degrees as in tiny: the night's own weights are not at hand"


def test_small_print_is_printable_whatever_a_companion_says(weights_file: Path, tmp_path: Path) -> None:
    (path,) = write_nights(tmp_path, "fsmi_themis", blocks("2020-02-18T06:00:00", (1, "no_aurora")))
    write_companion(path, weights_name="mine\n\ud800")
    _, notes = view_of_network(read_one_night(path, print), weights_file)
    assert notes[1].startswith("weights mine?? (converted, hash)")
