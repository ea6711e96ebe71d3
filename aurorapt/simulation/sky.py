"""The night sky over a simulated camera: airglow, stars, moon, twilight, town lights and clouds.

Light is in counts of the nominal camera at the zenith.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from statistics import NormalDist
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aurorapt import ephemeris
from aurorapt.simulation.optics import Optics, SkyGrid
from aurorapt.simulation.textures import Array, noise_tile, random_stream, sample_tile, smooth_step
from aurorapt.themis import FRAME_SIZE

DARK_SKY = 250.0  # counts of a clear moonless sky at the zenith; chosen, since no dark frame was at hand to measure
DARK_SKY_NANOLAMBERT = 79.0  # the same sky, 21.6 mag per square arcsecond in V (Patat 2003, Astron. Astrophys. 400)
EXTINCTION = 0.172  # magnitudes per air mass (Krisciunas and Schaefer 1991, Publ. Astron. Soc. Pac. 103, 1033)
GRID_SPACING = 0.024  # radians between neighbouring directions of the sky grid near the zenith
AIRGLOW_ALTITUDE = 97.0  # km, of the oxygen green line (Leinert et al. 1998, Astron. Astrophys. Suppl. 127, 1)
STAR_COUNT = 2600  # stars over the whole sphere down to STAR_LIMIT
STAR_LIMIT = 5.7  # magnitude
STAR_COUNTS = 9000.0  # counts, summed over its pixels, of a star of magnitude 0
FULL_MOON_MAGNITUDE = -12.73  # Krisciunas and Schaefer 1991
TWILIGHT_COUNTS = 8000.0  # counts at the zenith with the sun 10 degrees down
TWILIGHT_SLOPE = 1.15  # magnitudes per degree of sun (Patat et al. 2006, Astron. Astrophys. 455, 385, near 10 degrees)


class CloudLayer(Protocol):
    """Something between the camera and the sky that dims it and glows in the light that falls on it."""

    def optical_depth(self, seconds: float, share: float) -> Array:
        """Return the optical depth, (128, 128) float32 [y, x], for ``share`` 0 to 1 of the layer."""


class DriftingClouds:
    """A layer of clouds that drifts and changes: fractal, of any cover from scattered to overcast.

    Parameters
    ----------
    grid : directions in which the sky is computed
    random : generator of what is not given
    cover : share of the sky covered, 0 to 1
    depth : optical depth where the layer is thick; cirrus has 0.3 to 3, stratus 5 to 50 (Liou 2002, An Introduction to
        Atmospheric Radiation)
    edge : softness of the clouds' borders, in standard deviations of the field that shapes them
    """

    def __init__(self, grid: SkyGrid, random: np.random.Generator, cover: float, depth: float, edge: float) -> None:
        tangent = np.minimum(np.tan(grid.zenith_angle), 9)
        self.east, self.north = tangent * np.sin(grid.azimuth), tangent * np.cos(grid.azimuth)
        self.slant = np.minimum(grid.air_mass, 6)
        self.cover = cover
        self.depth = depth
        self.scale = np.exp(random.uniform(np.log(6), np.log(32)))  # tile cells per cloud-base height
        # Towards the horizon a pixel holds many cells, of which only the mean is left.
        cells_a_pixel = self.scale * GRID_SPACING / np.cos(np.minimum(grid.zenith_angle, 1.46)) ** 2
        self.contrast = (1 / (1 + (cells_a_pixel / 2) ** 2)).astype(np.float32)
        self.edge = edge
        self.relief = random.uniform(0, 0.6)
        bearing = random.uniform(0, 2 * np.pi)
        # 5 to 40 m/s at 1.5 to 9 km: angular speed in cloud-base heights a second.
        speed = np.exp(random.uniform(np.log(0.0008), np.log(0.012)))
        self.velocity = speed * np.sin(bearing), speed * np.cos(bearing)
        self.shear = random.uniform(0.75, 1.25)
        self.offsets = random.uniform(0, 256, 4)
        self.tiles = random.integers(30, 34, 2)

    def optical_depth(self, seconds: float, share: float) -> Array:
        """Return the layer's optical depth along each line of sight, (128, 128) float32 [y, x]."""
        x = (self.east - self.velocity[0] * seconds) * self.scale
        y = (self.north - self.velocity[1] * seconds) * self.scale
        x1, y1, x2, y2 = self.offsets
        first = sample_tile(noise_tile(int(self.tiles[0]), 8 / 3), x + x1, y + y1)
        second = sample_tile(noise_tile(int(self.tiles[1]), 8 / 3), self.shear * x + x2, self.shear * y + y2)
        field = 0.75 * first + 0.66 * second
        cover = float(np.clip(self.cover * share, 0.002, 0.998))
        filled = smooth_step((field + NormalDist().inv_cdf(cover)) / (2 * self.edge) + 0.5)
        relief = 1 + self.contrast * (np.exp(self.relief * np.clip(field, -2, 2)) - 1)
        optical_depth: Array = self.depth * (cover + self.contrast * (filled - cover)) * relief * self.slant
        return optical_depth


class CoveredDome:
    """Snow, ice or frost on the camera's dome: fixed in the image, letting through a patchy remnant of the sky."""

    def __init__(self, random: np.random.Generator) -> None:
        y, x = np.mgrid[: FRAME_SIZE // 2, : FRAME_SIZE // 2].astype(np.float32)
        coarse = np.exp(random.uniform(np.log(0.12), np.log(3)))
        offsets = random.uniform(0, 256, 2)
        field = sample_tile(noise_tile(35, random.choice([2.2, 3.0])), x * coarse + offsets[0], y * coarse + offsets[1])
        self.depth: Array = (random.uniform(1.5, 4) * np.exp(random.uniform(0.15, 0.7) * field)).astype(np.float32)

    def optical_depth(self, seconds: float, share: float) -> Array:
        """Return the covering's optical depth, (128, 128) float32 [y, x]."""
        return share * self.depth


@dataclass(frozen=True)
class Moon:
    """The moon as one camera sees it: direction in radians, light relative to the full moon's at mean distance."""

    azimuth: float
    elevation: float
    light: float


class NightSky:
    """Everything above one camera but the aurora.

    Parameters
    ----------
    seed, site : whose town, airglow and star brightness these are
    optics, grid : the camera's
    latitude, longitude : degrees
    """

    def __init__(self, seed: int, site: str, optics: Optics, grid: SkyGrid, latitude: float, longitude: float) -> None:
        random = random_stream(seed, site, "sky")
        self.optics, self.grid = optics, grid
        self.latitude, self.longitude = latitude, longitude
        self.star_blur = random.uniform(0.6, 1.0)  # pixels, standard deviation
        self.transparency = 10 ** (-0.4 * EXTINCTION * (grid.air_mass - 1))
        east, north = grid.ground_position(AIRGLOW_ALTITUDE)
        offsets = random.uniform(0, 256, 2).astype(np.float32)
        self.airglow_east, self.airglow_north = east / 25 + offsets[0], north / 25 + offsets[1]
        self.dark_sky = DARK_SKY * np.exp(random.normal(0, 0.3))
        self.airglow_phase = random.uniform(0, 2 * np.pi)
        self.airglow_path = grid.van_rhijn(AIRGLOW_ALTITUDE) * self.transparency
        self.town_light = np.exp(random.normal(np.log(80), 1.1))  # counts at the horizon above the town
        self.town_glow = self._town_glow(random.uniform(-np.pi, np.pi), random.uniform(0.4, 1.2))
        self.cloud_gain = np.exp(random.normal(np.log(7), 0.5))

    def _town_glow(self, azimuth: float, width: float) -> Array:
        towards = np.cos(self.grid.azimuth - azimuth)
        glow: Array = np.exp((towards - 1) / width) * np.sin(self.grid.zenith_angle) ** 6 + np.float32(0.03)
        return glow

    def moon(self, time: datetime) -> Moon:
        """Return where the moon stands and how bright it shines.

        The brightness over the phase angle a in degrees is 10^(-0.4 (0.026 |a| + 4e-9 a^4)) of the full moon's
        (Krisciunas and Schaefer 1991, equation 9).
        """
        body = ephemeris.moon(time)
        sidereal = ephemeris.local_sidereal_angle(time, self.longitude)
        azimuth, elevation = ephemeris.horizontal(body.right_ascension, body.declination, sidereal, self.latitude)
        phase_angle = 180 - np.degrees(body.separation(ephemeris.sun(time)))
        light = 10 ** (-0.4 * (0.026 * phase_angle + 4e-9 * phase_angle**4))
        return Moon(float(azimuth), float(elevation), float(light))

    def clear_light(self, time: datetime, moon: Moon) -> Array:
        """Return the light of a cloudless sky without stars and aurora, (128, 128) float32 [y, x]."""
        seconds = (time - ephemeris.J2000).total_seconds()
        light: Array = self.dark_sky * self._airglow(seconds) * self.airglow_path
        light += self.town_light * self.town_glow
        light += self._milky_way(time) + self._twilight(time)
        if moon.elevation > 0:
            light += self._moonlight(moon)
        return light

    def _airglow(self, seconds: float) -> Array:
        """Return the airglow's patchiness and its slow change through the night, about 1 (128, 128)."""
        east = self.airglow_east + np.float32(seconds / 900 % 256)
        ripple = sample_tile(noise_tile(10, 3.4), east, self.airglow_north)
        level = 1 + 0.2 * np.sin(seconds / 9000 + self.airglow_phase)
        return np.float32(level) * (1 + 0.05 * np.clip(ripple, -2, 2))

    def _milky_way(self, time: datetime) -> Array:
        """Return the Milky Way's glow; the galactic pole is at 192.86, +27.13 degrees (IAU 1958)."""
        sidereal = ephemeris.local_sidereal_angle(time, self.longitude)
        azimuth, elevation = ephemeris.horizontal(np.radians(192.86), np.radians(27.13), sidereal, self.latitude)
        galactic_latitude = np.arcsin(np.clip(self.grid.cosine_from(float(azimuth), float(elevation)), -1, 1))
        light: Array = 0.2 * DARK_SKY * np.exp(-((galactic_latitude / 0.2) ** 2)) * self.transparency
        return light

    def _twilight(self, time: datetime) -> Array:
        body = ephemeris.sun(time)
        sidereal = ephemeris.local_sidereal_angle(time, self.longitude)
        azimuth, elevation = ephemeris.horizontal(body.right_ascension, body.declination, sidereal, self.latitude)
        zenith = TWILIGHT_COUNTS * 10 ** (-0.4 * TWILIGHT_SLOPE * (-np.degrees(elevation) - 10))
        sine = np.sin(self.grid.zenith_angle)
        towards_sun = sine * np.cos(self.grid.azimuth - azimuth)
        light: Array = np.float32(min(zenith, 60000)) * np.exp(1.6 * towards_sun + 0.3 * sine**2)
        return light

    def _moonlight(self, moon: Moon) -> Array:
        """Return moonlight scattered by clear air (Krisciunas and Schaefer 1991, equations 3, 15, 20 and 21)."""
        cosine = self.grid.cosine_from(moon.azimuth, moon.elevation)
        degrees = np.degrees(np.arccos(np.clip(cosine, -1, 1)))
        scattering = 10**5.36 * (1.06 + cosine**2) + 10 ** (6.15 - degrees / 40)
        illuminance = 10 ** (-0.4 * (FULL_MOON_MAGNITUDE + 16.57)) * moon.light
        dimmed = 10 ** (-0.4 * EXTINCTION * moon_air_mass(moon))
        scatterers = 1 - 10 ** (-0.4 * EXTINCTION * np.minimum(self.grid.air_mass, 4))  # the model ends near there
        nanolambert = scattering * illuminance * dimmed * scatterers
        light: Array = (nanolambert * (DARK_SKY / DARK_SKY_NANOLAMBERT)).astype(np.float32)
        return light

    def through_clouds(self, light: Array, depths: Iterable[Array], moon: Moon) -> tuple[Array, Array]:
        """Return the sky's light after all clouds and domes, and the share of direct light that passed them.

        A layer glows with what falls on it: town lights from below, moonlight scattered forward into an aureole
        and diffusely, and a smooth mean of the sky above.
        """
        passing = np.ones_like(light)
        for depth in depths:
            passing = passing * np.exp(-depth)
            diffuse = 1 / (1 + 0.12 * depth)  # two-stream transmission, asymmetry 0.85 (Liou 2002)
            scattered = (1 - np.exp(-depth)) * diffuse
            below = (1 - np.exp(-0.4 * depth)) * self.cloud_gain * self.town_light * (0.15 + self.town_glow)
            mean_above = 0.4 * float(light[8:-8:4, 8:-8:4].mean())
            light = light * np.exp(-depth) + scattered * (mean_above + self._moonlit_cloud(moon, depth)) + below
        return light, passing

    def _moonlit_cloud(self, moon: Moon, depth: Array) -> Array:
        """Return the glow of a cloud lit by the moon; the full moon overhead gives some 100 dark skies."""
        if moon.elevation <= 0:
            return np.zeros_like(depth)
        degrees = np.degrees(np.arccos(np.clip(self.grid.cosine_from(moon.azimuth, moon.elevation), -1, 1)))
        thin = np.exp(-0.25 * depth)
        aureole = thin * (1.5 * np.exp(-degrees / 2.5) + 2.0 * np.exp(-degrees / 9) + 1.3 * np.exp(-degrees / 28))
        received = 100 * DARK_SKY * moon.light * 10 ** (-0.4 * EXTINCTION * moon_air_mass(moon))
        glow: Array = np.float32(received) * (0.8 * np.float32(np.sin(moon.elevation)) + aureole)
        return glow

    def add_stars(self, frame: Array, time: datetime, passing: Array) -> None:
        """Add the stars to full-resolution light, in place; they turn with the celestial sphere.

        Parameters
        ----------
        frame : (256, 256) float32 [y, x], counts
        time : naive UTC time
        passing : (128, 128) float32 [y, x], share of direct light that clouds let through
        """
        right_ascensions, declinations, fluxes = _star_field()
        sidereal = ephemeris.local_sidereal_angle(time, self.longitude)
        azimuths, elevations = ephemeris.horizontal(right_ascensions, declinations, sidereal, self.latitude)
        up = elevations > np.radians(3)
        x, y = self.optics.pixels(azimuths[up], np.pi / 2 - elevations[up])
        columns, rows = np.rint(x).astype(int), np.rint(y).astype(int)
        inside = (columns > 1) & (columns < FRAME_SIZE - 2) & (rows > 1) & (rows < FRAME_SIZE - 2)
        x, y, columns, rows = x[inside], y[inside], columns[inside], rows[inside]
        dimmed = fluxes[up][inside] * (self.transparency * passing)[rows // 2, columns // 2]
        spread = 2 * self.star_blur**2
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                squared = (columns + right - x) ** 2 + (rows + down - y) ** 2
                light = dimmed * np.exp(-squared / spread) / (np.pi * spread)
                np.add.at(frame, (rows + down, columns + right), light.astype(np.float32))

    def add_moon(self, frame: Array, moon: Moon, passing: Array) -> None:
        """Add the moon's disc, its glare in lens and dome, and its ghost to full-resolution light, in place."""
        if moon.elevation <= -0.01:
            return
        x, y = self.optics.pixels(moon.azimuth, np.pi / 2 - moon.elevation)
        row, column = (int(np.clip(round(float(at)) // 2, 0, FRAME_SIZE // 2 - 1)) for at in (y, x))
        received = moon.light * 10 ** (-0.4 * EXTINCTION * moon_air_mass(moon))
        direct = received * float(passing[row, column])
        blurred = received * float(np.sqrt(passing[row, column]))
        down, right = np.mgrid[:FRAME_SIZE, :FRAME_SIZE].astype(np.float32)
        squared = (right - np.float32(x)) ** 2 + (down - np.float32(y)) ** 2
        disc = STAR_COUNTS * 10 ** (-0.4 * FULL_MOON_MAGNITUDE) / (1.7 * np.pi)
        frame += np.float32(direct * disc) * np.exp(-squared / 1.7)
        frame += np.float32(blurred * 6000) / (1 + squared / 16) ** np.float32(1.2)
        ghost_x, ghost_y = 2 * self.optics.centre_x - x, 2 * self.optics.centre_y - y
        mirrored = (right - np.float32(ghost_x)) ** 2 + (down - np.float32(ghost_y)) ** 2
        frame += np.float32(direct * 250) * np.exp(-mirrored / 50)


def moon_air_mass(moon: Moon) -> float:
    """Return the air mass towards the moon (Krisciunas and Schaefer 1991, equation 3)."""
    return float((1 - 0.96 * np.cos(moon.elevation) ** 2) ** -0.5)


@lru_cache(maxsize=1)
def _star_field() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return right ascensions and declinations (radians) and counts of stars, brightest first.

    Places are random: the field turns like the real one without being it. The number brighter than magnitude m
    grows as 10^(0.5 m) (Allen's Astrophysical Quantities, 4th edition, section 19).
    """
    random = random_stream("stars")
    magnitudes = STAR_LIMIT + 2 * np.log10(np.sort(random.uniform(0, 1, STAR_COUNT)))
    fluxes = STAR_COUNTS * 10 ** (-0.4 * np.maximum(magnitudes, -1))
    right_ascensions = random.uniform(0, 2 * np.pi, STAR_COUNT)
    declinations = np.arcsin(random.uniform(-1, 1, STAR_COUNT))
    return right_ascensions, declinations, fluxes
