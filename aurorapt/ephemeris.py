"""Where sun, moon and stars stand, to a fraction of a degree: enough to simulate a sky, or to say what lit one."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Angles = TypeVar("Angles", float, NDArray[np.float64])

J2000 = datetime(2000, 1, 1, 12)


@dataclass(frozen=True)
class Body:
    """A direction on the celestial sphere: right ascension and declination, radians."""

    right_ascension: float
    declination: float

    def separation(self, other: "Body") -> float:
        """Return the angle between two directions, radians."""
        cosine = np.sin(self.declination) * np.sin(other.declination) + np.cos(self.declination) * np.cos(
            other.declination
        ) * np.cos(self.right_ascension - other.right_ascension)
        return float(np.arccos(np.clip(cosine, -1, 1)))


def days_since_j2000(time: datetime) -> float:
    """Return the days between 2000-01-01 12:00 and ``time``, both UTC."""
    return (time - J2000).total_seconds() / 86400


def local_sidereal_angle(time: datetime, longitude: float) -> float:
    """Return local mean sidereal time as an angle, radians.

    The linear part of the IAU 1982 expression: 280.46062 degrees at J2000 and 360.985647366 degrees a day
    (The Astronomical Almanac, section B).
    """
    return float(sidereal_angle_at(days_since_j2000(time), longitude))


def sidereal_angle_at(days: Angles, longitude: float) -> Angles:
    """Return `local_sidereal_angle` by days since J2000."""
    angle: Angles = np.radians((280.46062 + 360.985647366 * days + longitude) % 360)
    return angle


def sun(time: datetime) -> Body:
    """Return the sun's apparent direction within 0.01 degrees (The Astronomical Almanac, section C)."""
    return Body(*map(float, sun_at(days_since_j2000(time))))


def sun_at(days: Angles) -> tuple[Angles, Angles]:
    """Return right ascension and declination of `sun`, radians, by days since J2000."""
    anomaly = np.radians(357.528 + 0.9856003 * days)
    longitude = np.radians(280.460 + 0.9856474 * days + 1.915 * np.sin(anomaly) + 0.020 * np.sin(2 * anomaly))
    return _from_ecliptic(longitude, 0 * longitude)


def moon(time: datetime) -> Body:
    """Return the moon's geocentric direction within 0.3 degrees (The Astronomical Almanac, section D)."""
    return Body(*map(float, moon_at(days_since_j2000(time))))


def moon_at(days: Angles) -> tuple[Angles, Angles]:
    """Return right ascension and declination of `moon`, radians, by days since J2000."""
    centuries = days / 36525
    sine_terms = (
        (6.29, 134.9, 477198.85),
        (-1.27, 259.2, -413335.38),
        (0.66, 235.7, 890534.23),
        (0.21, 269.9, 954397.70),
        (-0.19, 357.5, 35999.05),
        (-0.11, 186.6, 966404.05),
    )
    longitude = 218.32 + 481267.883 * centuries
    longitude += sum(a * np.sin(np.radians(b + c * centuries)) for a, b, c in sine_terms)
    latitude_terms = (
        (5.13, 93.3, 483202.03),
        (0.28, 228.2, 960400.87),
        (-0.28, 318.3, 6003.18),
        (-0.17, 217.6, -407332.20),
    )
    latitude = sum(a * np.sin(np.radians(b + c * centuries)) for a, b, c in latitude_terms)
    return _from_ecliptic(np.radians(longitude), np.radians(latitude))


def horizontal(
    right_ascension: Angles, declination: Angles, sidereal_angle: Angles | float, latitude: float
) -> tuple[Angles, Angles]:
    """Return azimuth (from north through east) and elevation of celestial directions, radians.

    Parameters
    ----------
    right_ascension, declination : float64 arrays of one shape, or two numbers, radians
    sidereal_angle : local sidereal time, radians
    latitude : geodetic latitude, degrees
    """
    hour_angle = sidereal_angle - np.asarray(right_ascension)
    phi = np.radians(latitude)
    sine = np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(hour_angle)
    east = -np.cos(declination) * np.sin(hour_angle)
    north = np.cos(phi) * np.sin(declination) - np.sin(phi) * np.cos(declination) * np.cos(hour_angle)
    return np.arctan2(east, north), np.arcsin(np.clip(sine, -1, 1))


def solar_depression(time: datetime, latitude: float, longitude: float) -> float:
    """Return how far the sun stands below the horizon, degrees; negative by day."""
    body = sun(time)
    sidereal_angle = local_sidereal_angle(time, longitude)
    _, elevation = horizontal(body.right_ascension, body.declination, sidereal_angle, latitude)
    return -float(np.degrees(elevation))


def _from_ecliptic(longitude: Angles, latitude: Angles) -> tuple[Angles, Angles]:
    obliquity = np.radians(23.439)
    x = np.cos(latitude) * np.cos(longitude)
    y = np.cos(obliquity) * np.cos(latitude) * np.sin(longitude) - np.sin(obliquity) * np.sin(latitude)
    z = np.sin(obliquity) * np.cos(latitude) * np.sin(longitude) + np.cos(obliquity) * np.sin(latitude)
    return np.arctan2(y, x), np.arcsin(z)
