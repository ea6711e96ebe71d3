from datetime import datetime, timedelta

import numpy as np
import pytest
from numpy.typing import NDArray

from aurorapt.images.texture import BlockMeans, Texture, texture
from aurorapt.simulation.observatory import SimulatedCamera

SECONDS = np.arange(80) * 3.0


def flickering(period: float, amplitude: float, blocks: slice = slice(None)) -> Texture:
    """Give the texture of 100 blocks of 4000 counts, some of which go up and down."""
    means = np.full((80, 100), 4000.0, np.float32)
    means[:, blocks] += (amplitude * np.sin(2 * np.pi * SECONDS / period))[:, None].astype(np.float32)
    return texture(SECONDS, means)


def test_block_means_are_of_visible_pixels() -> None:
    images = np.random.default_rng(0).integers(0, 65535, (2, 256, 256)).astype(np.uint16)
    mask = np.zeros((256, 256), np.uint8)
    mask[16:32, 32:48] = 1
    mask[0:16, 0:16] = np.tri(16)  # 136 of 256 pixels
    mask[64:80, 64:71] = 1  # too few
    means = BlockMeans(mask)(images)
    assert means.shape == (2, 2)
    np.testing.assert_allclose(means[:, 1], images[:, 16:32, 32:48].mean(axis=(1, 2)), rtol=1e-5)
    np.testing.assert_allclose(means[:, 0], images[:, :16, :16][:, np.tri(16) > 0].mean(axis=1), rtol=1e-5)


@pytest.mark.parametrize("period", [7, 10, 14])
def test_periods_of_pulsations_come_through_and_slow_changes_do_not(period: float) -> None:
    assert flickering(period, 100).variance[-1] == pytest.approx(100**2 / 2, rel=0.5)
    assert flickering(600, 100).variance[-10] < 0.01 * 100**2 / 2


def test_the_active_fraction_counts_blocks_that_flicker_by_more_than_a_hundredth() -> None:
    found = flickering(10, 100, slice(0, 30))
    assert found.active_fraction[-1] == 0.3
    assert flickering(10, 30, slice(0, 30)).active_fraction[-1] == 0.0
    assert found.brightness[20] == pytest.approx(4000, abs=31)


def test_the_first_frames_and_those_after_a_gap_have_none() -> None:
    means = np.full((80, 4), 4000.0, np.float32)
    seconds = SECONDS + np.where(np.arange(80) >= 40, 600, 0)
    found = texture(seconds, means)
    assert np.isnan(found.variance).tolist() == [place % 40 < 9 for place in range(80)]
    assert (np.isnan(found.variance) == np.isnan(found.active_fraction)).all()


def test_no_frames_have_no_texture() -> None:
    none: NDArray[np.float32] = np.empty((0, 4), np.float32)
    assert all(len(column) == 0 for column in texture(np.empty(0), none))


def test_a_simulated_pulsating_sky_flickers_and_a_diffuse_one_does_not() -> None:
    camera = SimulatedCamera("gill", seed=2)
    evening = datetime(2014, 1, 7, 2)
    fractions = {}
    for kind, class_name in (("pulsating", "pulsating"), ("diffuse", "other_aurora")):
        start = next(
            time
            for time in (evening + timedelta(minutes=minute) for minute in range(600))
            if all(
                camera.is_dark(moment) and camera.aurora_at(moment) == kind and camera.class_at(moment) == class_name
                for moment in (time, time + timedelta(minutes=2))
            )
        )
        images = np.stack([camera.expose(start + timedelta(seconds=3 * frame)) for frame in range(20)])
        means = BlockMeans(np.ones((256, 256), np.uint8))(images)
        fractions[kind] = texture(SECONDS[:20], means).active_fraction[-1]
    assert fractions["pulsating"] > 0.2
    assert fractions["diffuse"] < 0.05
