from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest

from aurorapt.simulation.aurora import Arcs, AuroralForm, DiffuseAurora, MagneticPlane, PulsatingPatches
from aurorapt.simulation.nights import CHANGE, Night, local_noon
from aurorapt.simulation.optics import Optics, SkyGrid
from aurorapt.simulation.sky import CoveredDome, DriftingClouds, Moon, NightSky

GRID = SkyGrid(Optics())
PLANE = MagneticPlane(GRID, declination=0.1)
HIGH = np.degrees(GRID.zenith_angle) < 60
GILLAM = (56.4, -94.7)
NO_MOON = Moon(0.0, -0.5, 0.0)


def random() -> np.random.Generator:
    return np.random.default_rng(5)


def gillam_sky() -> NightSky:
    return NightSky(0, "gill", Optics(), GRID, *GILLAM)


FORMS = {
    "diffuse": lambda: DiffuseAurora(PLANE, random(), 500.0),
    "arcs": lambda: Arcs(PLANE, random(), 3000.0, surge=False),
    "surge": lambda: Arcs(PLANE, random(), 3000.0, surge=True),
    "patches": lambda: PulsatingPatches(PLANE, random(), 500.0, eastward=True),
}


@pytest.mark.parametrize("kind", FORMS)
def test_a_form_s_light_depends_on_time_alone_not_on_what_was_rendered_before(kind: str) -> None:
    once, other = FORMS[kind](), FORMS[kind]()
    for seconds in (900.0, -30.0):
        other.render(seconds)
    light = once.render(333.0)
    assert light.shape == (128, 128)
    assert np.isfinite(light).all()
    assert light.min() >= 0
    assert light[HIGH].max() > 50
    assert (light == other.render(333.0)).all()


def change(form: AuroralForm, seconds: float) -> float:
    """Mean change of a form's light over an interval, as a share of its mean light."""
    first, second = form.render(600.0), form.render(600.0 + seconds)
    return float(np.abs(second - first)[HIGH].mean() / first[HIGH].mean())


def test_patches_switch_within_seconds_and_diffuse_glow_does_not() -> None:
    assert change(FORMS["patches"](), 6.0) > 0.3
    assert change(FORMS["diffuse"](), 6.0) < 0.05


def test_patches_come_back_in_place_from_pulse_to_pulse() -> None:
    patches = FORMS["patches"]()
    sums = [sum(patches.render(start + 2.0 * n) for n in range(15)) for start in (600.0, 630.0, 2400.0)]
    soon, late = (np.corrcoef(sums[0][HIGH], sums[other][HIGH])[0, 1] for other in (1, 2))
    assert soon > 0.5 > late


def test_a_surge_brightens_the_arcs_and_spreads_poleward() -> None:
    surge = FORMS["surge"]()
    before, after = surge.render(surge.onset - 10), surge.render(surge.onset + 300)
    assert after[HIGH].mean() > 2 * before[HIGH].mean()
    _, north = PLANE.position(115.0)
    assert np.average(north, weights=after) > np.average(north, weights=before)


def test_moonlight_and_twilight_brighten_the_clear_sky() -> None:
    sky = gillam_sky()
    dark, full_moon, twilight = (
        float(np.median(sky.clear_light(time, sky.moon(time))[HIGH]))
        for time in (datetime(2014, 1, 1, 6), datetime(2014, 1, 16, 6), datetime(2013, 12, 31, 23, 14))
    )
    assert 100 < dark < 800
    assert 4 * dark < full_moon < 40 * dark
    assert twilight > 5 * dark


def test_thick_cloud_hides_the_stars_and_a_clear_sky_does_not() -> None:
    sky = gillam_sky()
    time = datetime(2014, 1, 1, 6)
    light = sky.clear_light(time, NO_MOON)
    overcast = DriftingClouds(GRID, random(), cover=0.995, depth=10.0, edge=0.5).optical_depth(100.0, share=1.0)
    counts = {}
    for name, depths in {"clear": [], "overcast": [overcast]}.items():
        frame = np.zeros((256, 256), np.float32)
        sky.add_stars(frame, time, sky.through_clouds(light, depths, NO_MOON)[1])
        counts[name] = frame.sum()
    assert counts["clear"] > 10000
    assert counts["overcast"] < 0.01 * counts["clear"]


def test_cloud_is_bright_under_the_moon_and_dark_without_it() -> None:
    sky = gillam_sky()
    light = np.full_like(GRID.azimuth, 300)
    depth = [np.full_like(GRID.azimuth, 8.0)]
    moonless, _ = sky.through_clouds(light, depth, NO_MOON)
    moonlit, _ = sky.through_clouds(light, depth, Moon(1.0, 0.6, 0.5))
    assert moonlit[HIGH].min() > 2000
    assert moonless[HIGH].min() < 300


def test_more_cover_is_more_cloud_and_clouds_drift() -> None:
    covers = (0.1, 0.5, 0.9)
    layers = [DriftingClouds(GRID, random(), cover, 5.0, edge=0.2) for cover in covers]
    covered = [float((layer.optical_depth(0.0, 1.0)[HIGH] > 1).mean()) for layer in layers]
    assert covered == sorted(covered)
    assert covered[0] < 0.35 < 0.65 < covered[2]
    before, after = layers[1].optical_depth(0.0, 1.0), layers[1].optical_depth(120.0, 1.0)
    assert np.abs(after - before)[HIGH].mean() > 0.1


def test_a_covered_dome_does_not_move() -> None:
    dome = CoveredDome(random())
    assert (dome.optical_depth(0.0, 1.0) == dome.optical_depth(500.0, 1.0)).all()


def nights(count: int) -> list[Night]:
    first = local_noon(datetime(2014, 1, 1, 6), GILLAM[1])
    return [Night(0, "gill", first + timedelta(days=day), GRID, PLANE) for day in range(count)]


def test_episodes_follow_each_other_and_change_over_smoothly() -> None:
    for night in nights(20):
        for episodes in (night.weather, night.aurora):
            assert episodes[0].start < 0 < 86400 < episodes[-1].end
            for before, after in pairwise(episodes):
                assert before.end == after.start
                for seconds in (after.start - 0.3 * CHANGE, after.start, after.start + 0.4 * CHANGE):
                    assert before.share(seconds) + after.share(seconds) == pytest.approx(1, abs=1e-5)


def test_aurora_pulsates_after_local_midnight_more_than_before() -> None:
    seconds = {"before": 0.0, "after": 0.0}
    for night in nights(60):
        for episode in night.aurora:
            if episode.kind == "pulsating":
                seconds["before"] += max(min(episode.end, 43200) - max(episode.start, 21600), 0)
                seconds["after"] += max(min(episode.end, 64800) - max(episode.start, 43200), 0)
    assert seconds["after"] > 2 * seconds["before"] > 0


@pytest.mark.parametrize("longitude", [-160.4, -60.5, 15.0])
def test_a_night_begins_at_the_last_local_noon(longitude: float) -> None:
    for hour in range(24):
        time = datetime(2014, 3, 10, hour, 30)
        noon = local_noon(time, longitude)
        assert timedelta(0) <= time - noon < timedelta(days=1)
        assert (noon.hour + noon.minute / 60 + longitude / 15) % 24 == pytest.approx(12, abs=0.02)
