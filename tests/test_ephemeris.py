from datetime import datetime, timedelta

import numpy as np
import pytest

from aurorapt.ephemeris import horizontal, local_sidereal_angle, moon, solar_depression, sun


@pytest.mark.parametrize(
    ("time", "declination"),
    [
        (datetime(2014, 3, 20, 16, 57), 0.0),
        (datetime(2014, 6, 21, 10, 51), 23.44),
        (datetime(2021, 12, 21, 15, 59), -23.44),
    ],
)
def test_the_sun_stands_right_at_equinox_and_solstices(time: datetime, declination: float) -> None:
    assert np.degrees(sun(time).declination) == pytest.approx(declination, abs=0.02)


@pytest.mark.parametrize(
    ("time", "separation"),
    [
        (datetime(2014, 4, 15, 7, 46), 180.0),  # middle of a total lunar eclipse
        (datetime(2017, 8, 21, 18, 26), 0.0),  # middle of a total solar eclipse
        (datetime(2014, 3, 8, 13, 27), 90.0),  # first quarter
    ],
)
def test_the_moon_stands_right_at_eclipses_and_quarter(time: datetime, separation: float) -> None:
    assert np.degrees(moon(time).separation(sun(time))) == pytest.approx(separation, abs=1.3)


def test_the_celestial_pole_stands_north_at_the_elevation_of_the_latitude() -> None:
    azimuth, elevation = horizontal(0.3, np.pi / 2, sidereal_angle=1.2, latitude=56.4)
    assert np.degrees(elevation) == pytest.approx(56.4)
    assert np.degrees(azimuth) == pytest.approx(0, abs=1e-6)


def test_stars_return_after_a_sidereal_day() -> None:
    time = datetime(2014, 3, 10, 6)
    later = time + timedelta(hours=23, minutes=56, seconds=4.1)
    assert local_sidereal_angle(later, -94.7) == pytest.approx(local_sidereal_angle(time, -94.7), abs=1e-4)


def test_a_body_rises_in_the_east() -> None:
    azimuth, elevation = horizontal(np.pi / 2 - 0.2, 0.0, sidereal_angle=0.0, latitude=50.0)
    assert elevation > 0
    assert 80 < np.degrees(azimuth) < 110


@pytest.mark.parametrize(("hour", "depression"), [(6, 37.5), (18, -29.5)])
def test_solar_depression_at_gillam(hour: int, depression: float) -> None:
    found = solar_depression(datetime(2014, 3, 10, hour, 10), 56.35, -94.66)
    assert found == pytest.approx(depression, abs=0.3)
