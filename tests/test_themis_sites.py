import pytest

from aurorapt.themis_sites import SITES


def test_every_site_of_the_imagers_is_there() -> None:
    names = "atha chbg ekat fsim fsmi fykn gako gbay gill inuv kapu kian kuuj mcgr nrsq pgeo pina rank snap snkq talo"
    assert sorted(SITES) == [*names.split(), "tpas", "whit", "yknf"]


def test_the_magnetic_coordinates_are_those_of_the_place() -> None:
    assert SITES["rank"].magnetic_latitudes[1] == pytest.approx(71.6, abs=0.3)
    for site in SITES.values():
        assert all(abs(a - b) < 1.1 for a, b in zip(site.magnetic_latitudes, site.magnetic_latitudes[1:], strict=False))
        assert all(abs(a - b) < 4 for a, b in zip(site.magnetic_longitudes, site.magnetic_longitudes[1:], strict=False))


def test_no_two_simulated_cameras_have_one_device() -> None:
    assert len({site.simulated_device for site in SITES.values()}) == len(SITES)
