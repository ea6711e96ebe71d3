from pathlib import Path

import numpy as np
import pytest
import themis_imager_readfile

from aurorapt.simulation.camera import COUNTS_PER_ELECTRON, make_camera
from aurorapt.simulation.optics import Optics, SkyGrid, elevation_mask


def test_north_is_up_and_east_is_left() -> None:
    x, y = Optics().pixels(np.radians([0.0, 90.0, 180.0, 270.0]), np.radians(np.full(4, 60.0)))
    assert np.argmin(y) == 0
    assert np.argmin(x) == 1
    assert np.argmax(y) == 2
    assert np.argmax(x) == 3


def test_directions_and_pixels_are_inverse() -> None:
    optics = Optics(124.0, 130.0, rotation=0.3, scale=1.01)
    azimuth, zenith_angle = np.array([0.4, 2.0, -2.5]), np.array([0.1, 0.8, 1.5])
    found_azimuth, found_zenith_angle = optics.directions(*optics.pixels(azimuth, zenith_angle))
    assert found_azimuth == pytest.approx(azimuth)
    assert found_zenith_angle == pytest.approx(zenith_angle)


def test_elevation_mask_is_a_disc_that_grows_towards_the_horizon() -> None:
    masks = [elevation_mask(degrees) for degrees in (80, 15, 0)]
    assert [(mask.dtype, mask.shape) for mask in masks] == [(np.uint8, (256, 256))] * 3
    radii = [np.sqrt(mask.sum() / np.pi) for mask in masks]
    assert radii == pytest.approx([14.7, 105.4, 124.7], abs=0.5)
    assert (masks[1] == masks[1][::-1, ::-1]).all()


def test_elevation_mask_agrees_with_the_real_one(shared_folder: Path) -> None:
    real = np.load(shared_folder / "CNN_model" / "T_angle.npy") >= 15
    assert (elevation_mask(15, Optics(124.0, 127.5)) != real).mean() < 0.015
    assert elevation_mask(15).sum() == pytest.approx(real.sum(), rel=0.01)


def test_lines_of_sight_meet_the_aurora_where_geometry_says() -> None:
    grid = SkyGrid(Optics())
    east, north = grid.ground_position(105.0)
    distance = np.hypot(east, north)
    at_45 = np.abs(np.degrees(grid.zenith_angle) - 45) < 0.3
    assert distance[at_45] == pytest.approx(103, abs=3)
    assert north[:64].min() > 0  # the upper half looks north
    assert east[:, :64].min() > 0  # the left half looks east
    assert grid.van_rhijn(97.0).max() == pytest.approx(5.8, abs=0.3)


def test_noise_grows_with_light_as_the_real_sensor_s_does() -> None:
    camera = make_camera(0, "gill")
    lit = np.ones(len(camera.horizon.lamps), np.float32)
    random = np.random.default_rng(0)
    near_zenith = (slice(90, 160), slice(90, 160))
    variances, levels = [], []
    for light in (500, 4000, 12000):
        first, second = (
            camera.expose(np.full((256, 256), light, np.float32), lit, random)[near_zenith].astype(float)
            for _ in range(2)
        )
        variances.append((first - second).var() / 2)
        levels.append(first.mean())
    assert np.diff(variances) / np.diff(levels) == pytest.approx(COUNTS_PER_ELECTRON, rel=0.1)


def test_simulated_noise_matches_real_frames_at_the_same_level(shared_folder: Path) -> None:
    path = next((shared_folder / "stream0").rglob("*0600*_full.pgm.gz"))
    images, _, _ = themis_imager_readfile.read(str(path), workers=1, quiet=True)
    patch = np.moveaxis(images, 2, 0)[:, 100:150, 60:110].astype(float)
    real = np.diff(patch, axis=0).var() / 2
    expected = COUNTS_PER_ELECTRON * (patch.mean() - 3400) + 100
    assert real == pytest.approx(expected, rel=0.15)


def test_each_site_and_seed_has_its_own_camera() -> None:
    cameras = [make_camera(0, "gill"), make_camera(0, "fsim"), make_camera(1, "gill")]
    assert len({camera.optics for camera in cameras}) == 3
    assert len({camera.sensitivity for camera in cameras}) == 3
    assert make_camera(0, "gill").optics == cameras[0].optics


def test_outside_the_lens_s_image_it_is_nearly_dark() -> None:
    camera = make_camera(0, "gill")
    lit = np.zeros(len(camera.horizon.lamps), np.float32)
    frame = camera.expose(np.full((256, 256), 4000, np.float32), lit, np.random.default_rng(0)).astype(float)
    corners = np.stack([frame[:9, :9], frame[-9:, :9], frame[:9, -9:], frame[-9:, -9:]])
    assert np.median(corners) - camera.bias < 0.05 * (np.median(frame[100:150, 100:150]) - camera.bias)
