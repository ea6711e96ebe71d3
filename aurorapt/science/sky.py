"""What lights the sky of a site besides aurora: sun and moon."""

import numpy as np
from numpy.typing import NDArray

from aurorapt.ephemeris import horizontal, moon_at, sidereal_angle_at, sun_at
from aurorapt.science.magnetic_time import days_since_j2000
from aurorapt.themis_sites import SITES


def solar_elevation(site: str, times: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Give the sun's elevation, (n,) degrees, within 0.1; NaN where the site is not in the table."""
    return _elevation(site, days_since_j2000(times), *sun_at(days_since_j2000(times)))


def moon_elevation(site: str, times: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Give the moon's elevation, (n,) degrees, within 1.3; NaN where the site is not in the table."""
    return _elevation(site, days_since_j2000(times), *moon_at(days_since_j2000(times)))


def moon_phase(times: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Give the share of the moon's disk that is lit, (n,), 0 at new moon and 1 at full moon, within 0.01."""
    (sun_ascension, sun_declination), (ascension, declination) = (
        at(days_since_j2000(times)) for at in (sun_at, moon_at)
    )
    cosine = np.sin(sun_declination) * np.sin(declination)
    cosine += np.cos(sun_declination) * np.cos(declination) * np.cos(ascension - sun_ascension)
    lit: NDArray[np.float64] = (1 - cosine) / 2
    return lit


def _elevation(
    site: str, days: NDArray[np.float64], ascension: NDArray[np.float64], declination: NDArray[np.float64]
) -> NDArray[np.float64]:
    if site not in SITES:
        return np.full(len(days), np.nan)
    sidereal_angle = sidereal_angle_at(days, SITES[site].longitude)
    _, elevation = horizontal(ascension, declination, sidereal_angle, SITES[site].latitude)
    degrees: NDArray[np.float64] = np.degrees(elevation)
    return degrees
