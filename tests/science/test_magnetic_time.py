import numpy as np
import pytest

from aurorapt.science.magnetic_time import magnetic_latitude, magnetic_local_time
from aurorapt.science.sky import moon_elevation, moon_phase, solar_elevation
from aurorapt.themis_sites import SITES


@pytest.mark.parametrize(
    ("site", "time", "hours"),
    [  # by convert_mlt of aacgmv2 2.7.1, which takes another longitude of the subsolar point
        ("gill", "2015-03-20T06:30:00", 23.83),
        ("gill", "2020-02-21T08:00:00", 1.33),
        ("inuv", "2010-12-21T12:00:00", 1.97),
        ("rank", "2020-02-16T06:00:00", 23.51),
    ],
)
def test_magnetic_local_time_is_the_librarys_within_its_stated_error(site: str, time: str, hours: float) -> None:
    found = magnetic_local_time(site, np.array([time], "datetime64[s]"))[0]
    assert abs((found - hours + 12) % 24 - 12) < 0.45


def test_magnetic_time_goes_once_round_a_day_and_latitude_drifts() -> None:
    times = np.datetime64("2020-02-18T00:00:00") + np.arange(25) * np.timedelta64(3600, "s")
    hours = magnetic_local_time("fsmi", times)
    assert ((np.diff(hours) % 24 > 0.8) & (np.diff(hours) % 24 < 1.2)).all()
    early, late = magnetic_latitude("gill", np.array(["2006-01-01", "2024-01-01"], "datetime64[s]"))
    assert (early, late) == (pytest.approx(66.3, abs=0.1), pytest.approx(65.1, abs=0.1))


def test_an_unknown_site_has_no_place() -> None:
    times = np.array(["2020-02-18T00:00:00"], "datetime64[s]")
    for function in (magnetic_local_time, magnetic_latitude, solar_elevation, moon_elevation):
        assert np.isnan(function("unknown", times)).all()
    assert "unknown" not in SITES


def test_sun_and_moon_stand_where_they_should() -> None:
    noon, midnight = np.array(["2014-03-20T18:19:00", "2014-03-21T06:19:00"], "datetime64[s]")
    assert solar_elevation("gill", np.array([noon, midnight])) == pytest.approx([33.6, -33.6], abs=0.6)
    eclipses = np.array(["2014-04-15T07:46:00", "2017-08-21T18:26:00", "2014-03-08T13:27:00"], "datetime64[s]")
    assert moon_phase(eclipses) == pytest.approx([1.0, 0.0, 0.5], abs=0.02)
    full_moon_at_midnight = moon_elevation("gill", np.array(["2014-01-16T06:19:00"], "datetime64[s]"))
    assert full_moon_at_midnight[0] > 40
