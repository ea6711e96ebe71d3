"""The geometry of a THEMIS all-sky lens: pixels, directions, and where lines of sight cross a shell of air."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aurorapt.ephemeris import Angles
from aurorapt.simulation.textures import Array
from aurorapt.themis import FRAME_SIZE

EARTH_RADIUS = 6371.0  # km
PLATE_LINEAR = 0.6825  # degrees of zenith angle a pixel
PLATE_CUBIC = 2.54e-6  # degrees of zenith angle a pixel cubed


@dataclass(frozen=True)
class Optics:
    """How the all-sky lens maps directions to pixels.

    The zenith angle is a cubic of the distance from the optical centre, the fisheye law of the header's
    "Optical projection"; its coefficients put 15 degrees elevation at 105.4 pixels and the horizon at 124.
    Rows run from north (row 0) to south and columns from east (column 0) to west, as asilib shows THEMIS frames,
    when ``rotation`` is zero.

    Attributes
    ----------
    centre_x, centre_y : pixel of the zenith
    rotation : azimuth of the upper edge, radians from north through east
    scale : plate scale relative to the nominal camera's
    """

    centre_x: float = 127.5
    centre_y: float = 127.5
    rotation: float = 0.0
    scale: float = 1.0

    def directions(self, x: Array, y: Array) -> tuple[Array, Array]:
        """Return azimuth and zenith angle, radians, of pixels (x, y)."""
        right, down = x - self.centre_x, y - self.centre_y
        radius = np.hypot(right, down) * self.scale
        zenith_angle = np.radians(PLATE_LINEAR * radius + PLATE_CUBIC * radius**3)
        return np.arctan2(-right, -down) + self.rotation, zenith_angle

    def pixels(self, azimuth: Angles, zenith_angle: Angles) -> tuple[Angles, Angles]:
        """Return the pixel position (x, y) of directions in radians."""
        degrees = np.degrees(np.asarray(zenith_angle))
        radius = degrees / PLATE_LINEAR
        for _ in range(4):
            excess = PLATE_LINEAR * radius + PLATE_CUBIC * radius**3 - degrees
            radius = radius - excess / (PLATE_LINEAR + 3 * PLATE_CUBIC * radius**2)
        radius = radius / self.scale
        bearing = azimuth - self.rotation
        return self.centre_x - radius * np.sin(bearing), self.centre_y - radius * np.cos(bearing)

    def distance(self) -> Array:
        """Return each pixel's distance from the optical centre, (256, 256) float32 [y, x], pixels."""
        y, x = np.mgrid[:FRAME_SIZE, :FRAME_SIZE].astype(np.float32)
        distance: Array = np.hypot(x - self.centre_x, y - self.centre_y)
        return distance


def elevation_mask(minimum_elevation: float, optics: Optics | None = None) -> NDArray[np.uint8]:
    """Return which pixels look high enough.

    Parameters
    ----------
    minimum_elevation : degrees above the horizon
    optics : of the camera; of the nominal THEMIS camera where None

    Returns
    -------
    (256, 256) uint8 [y, x], 1 at or above ``minimum_elevation``, 0 below it
    """
    y, x = np.mgrid[:FRAME_SIZE, :FRAME_SIZE].astype(np.float32)
    _, zenith_angle = (optics or Optics()).directions(x, y)
    return (np.degrees(zenith_angle) <= 90 - minimum_elevation).astype(np.uint8)


class SkyGrid:
    """The directions in which the sky is computed: every second pixel each way, (128, 128) [y, x].

    Attributes
    ----------
    azimuth, zenith_angle : (128, 128) float32, radians
    air_mass : (128, 128) float32, by Rozenberg's formula, 1 / (cos z + 0.025 exp(-11 cos z)) (Rozenberg 1966, Twilight)
    """

    def __init__(self, optics: Optics) -> None:
        y, x = np.mgrid[:FRAME_SIZE:2, :FRAME_SIZE:2].astype(np.float32) + np.float32(0.5)
        azimuth, zenith_angle = optics.directions(x, y)
        self.azimuth = azimuth.astype(np.float32)
        self.zenith_angle = np.minimum(zenith_angle, np.radians(89.5)).astype(np.float32)
        cosine = np.cos(self.zenith_angle)
        self.air_mass = 1 / (cosine + 0.025 * np.exp(-11 * cosine))

    def cosine_from(self, azimuth: float, elevation: float) -> Array:
        """Return the cosine of the angle between each direction and the given one (radians), (128, 128) float32."""
        across = np.sin(self.zenith_angle) * np.cos(self.azimuth - azimuth)
        cosine: Array = (np.sin(elevation) * np.cos(self.zenith_angle) + np.cos(elevation) * across).astype(np.float32)
        return cosine

    def ground_position(self, altitude: float) -> tuple[Array, Array]:
        """Return where each line of sight crosses a shell around the spherical Earth.

        Parameters
        ----------
        altitude : height of the shell, km

        Returns
        -------
        east, north : (128, 128) float32 [y, x], distances along the ground from the camera, km
        """
        angle_at_shell = np.arcsin(EARTH_RADIUS / (EARTH_RADIUS + altitude) * np.sin(self.zenith_angle))
        distance = EARTH_RADIUS * (self.zenith_angle - angle_at_shell)
        east, north = distance * np.sin(self.azimuth), distance * np.cos(self.azimuth)
        return east.astype(np.float32), north.astype(np.float32)

    def van_rhijn(self, altitude: float) -> Array:
        """Return how much longer than at the zenith each path through a thin shell is (van Rhijn 1921)."""
        sine = EARTH_RADIUS / (EARTH_RADIUS + altitude) * np.sin(self.zenith_angle)
        stretch: Array = (1 / np.sqrt(1 - sine**2)).astype(np.float32)
        return stretch
