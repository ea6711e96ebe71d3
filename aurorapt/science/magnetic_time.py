"""Where a site stands in the Earth's magnetic field, and its magnetic local time."""

import numpy as np
from numpy.typing import NDArray

from aurorapt.ephemeris import J2000, sidereal_angle_at, sun_at
from aurorapt.themis_sites import MAGNETIC_YEARS, SITES

# the dipole: coefficients g10, g11 and h11 of IGRF-14, nT
DIPOLE_YEARS = (2005.0, 2010.0, 2015.0, 2020.0, 2025.0)
DIPOLE = (
    (-29554.63, -29496.57, -29441.46, -29403.41, -29350.0),
    (-1669.05, -1586.42, -1501.77, -1451.37, -1410.3),
    (5077.99, 4944.26, 4795.99, 4653.35, 4545.5),
)
DAY = np.timedelta64(86400, "s")


def days_since_j2000(times: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Give the days between 2000-01-01 12:00 and (n,) times, all UTC."""
    days: NDArray[np.float64] = (times - np.datetime64(J2000)) / DAY
    return days


def years(times: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Give (n,) times as years with their fraction."""
    return 2000.0 + (days_since_j2000(times) + 0.5) / 365.25


def magnetic_latitude(site: str, times: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Give a site's corrected geomagnetic latitude (AACGM-v2 at 110 km), within 0.1 degrees.

    Returns
    -------
    (n,) float64, degrees; NaN where the site is not in the table. The field drifts by up to 0.1 degrees a year; before
    2005 and after 2025 the value of that year stands.
    """
    if site not in SITES:
        return np.full(len(times), np.nan)
    return np.interp(years(times), MAGNETIC_YEARS, SITES[site].magnetic_latitudes)


def magnetic_local_time(site: str, times: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Give a site's magnetic local time: how far it is from the magnetic meridian opposite the sun.

    Returns
    -------
    (n,) float64, hours, 0 to 24; NaN where the site is not in the table

    Notes
    -----
    As Laundal and Richmond define it (2017, Space Science Reviews 206, 27): 12 h and the difference of magnetic
    longitude between site (AACGM-v2) and subsolar point (dipole). ``convert_mlt`` of aacgmv2 2.7, which takes another
    longitude of the subsolar point, differs from it by up to 0.4 h and 0.01 h on average.
    """
    if site not in SITES:
        return np.full(len(times), np.nan)
    longitude = np.interp(years(times), MAGNETIC_YEARS, SITES[site].magnetic_longitudes)
    hours: NDArray[np.float64] = (12 + (longitude - _subsolar_dipole_longitude(times)) / 15) % 24
    return hours


def _subsolar_dipole_longitude(times: NDArray[np.datetime64]) -> NDArray[np.float64]:
    """Give the dipole longitude of the point below the sun, degrees."""
    days = days_since_j2000(times)
    right_ascension, latitude = sun_at(days)
    longitude = right_ascension - sidereal_angle_at(days, 0.0)
    g10, g11, h11 = (np.interp(years(times), DIPOLE_YEARS, row) for row in DIPOLE)
    pole_longitude = np.arctan2(-h11, -g11)
    pole_colatitude = np.arctan2(np.hypot(g11, h11), -g10)
    towards = np.cos(latitude) * np.cos(longitude - pole_longitude)
    across = np.cos(latitude) * np.sin(longitude - pole_longitude)
    degrees: NDArray[np.float64] = np.degrees(
        np.arctan2(across, towards * np.cos(pole_colatitude) - np.sin(latitude) * np.sin(pole_colatitude))
    )
    return degrees
