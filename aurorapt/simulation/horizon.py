"""What a simulated camera sees at and beyond its horizon: trees, buildings, masts, lamps and the lens's own rim."""

from dataclasses import dataclass

import numpy as np

from aurorapt.simulation.optics import Optics
from aurorapt.simulation.textures import Array, noise_tile, sample_tile, smooth_step
from aurorapt.themis import FRAME_SIZE

RIM_RADIUS = 128.5  # pixels from the optical centre to the edge of the lens's image


@dataclass(frozen=True)
class Horizon:
    """What stands round a camera: all arrays (256, 256) float32 [y, x].

    Attributes
    ----------
    openness : share of the sky's light that passes trees, buildings, antennas and the edge of the lens, 0 to 1
    rim_reflection : brightness of the reflections at the lens's rim, relative to the mean sky
    stray_light : light scattered in the lens and onto the sensor outside its image, relative to the mean sky
    lamps : counts of each lamp near the horizon, summed into one picture per lamp, (number of lamps, 256, 256)
    """

    openness: Array
    rim_reflection: Array
    stray_light: Array
    lamps: Array


def make_horizon(optics: Optics, random: np.random.Generator) -> Horizon:
    """Return a random horizon round a camera."""
    distance = optics.distance()
    y, x = np.mgrid[:FRAME_SIZE, :FRAME_SIZE].astype(np.float32)
    azimuth, zenith_angle = optics.directions(x, y)
    elevation: Array = 90.0 - np.degrees(zenith_angle)
    skyline = _skyline(azimuth, random)
    openness = smooth_step((elevation - skyline) / 1.2 + 0.5) * _antennas(azimuth, elevation, random)
    inside = smooth_step((RIM_RADIUS - distance) / 2 + 0.5)
    glints = sample_tile(noise_tile(20, 2.5), azimuth * 10 + random.uniform(0, 256), np.zeros_like(azimuth))
    crescent = np.exp(-(((distance - random.uniform(126.5, 129)) / 1.2) ** 2))
    rim = 0.5 * crescent * smooth_step(glints - random.uniform(0, 0.8)) + 0.12 * inside * (1 - openness)
    level = random.uniform(0.035, 0.06)
    outside = np.interp(distance, (0, 120, 131, 134, 146, 156, 168, 182), (0, 0.3, 1, 0.85, 1, 0.75, 0.45, 0.35))
    return Horizon(
        openness=(openness * inside).astype(np.float32),
        rim_reflection=rim.astype(np.float32),
        stray_light=(level * outside).astype(np.float32),
        lamps=_lamps(optics, x, y, random),
    )


def _skyline(azimuth: Array, random: np.random.Generator) -> Array:
    """Return the elevation, degrees, below which trees and buildings hide the sky."""
    tile = noise_tile(21, 2.0)
    turns = azimuth / (2 * np.pi) * 256
    rows = random.uniform(0, 256, 2).astype(np.float32)
    hills = sample_tile(tile, turns / 8, np.full_like(azimuth, rows[0]))
    trees = np.maximum(sample_tile(tile, turns * 3, np.full_like(azimuth, rows[1])), 0)
    skyline = random.uniform(-3, 2) + random.uniform(0.3, 1.2) * hills + random.uniform(0, 2.0) * trees
    for _ in range(int(random.integers(0, 4))):
        middle, half_width = random.uniform(-np.pi, np.pi), np.radians(random.uniform(2, 9))
        beside = np.abs((azimuth - middle + np.pi) % (2 * np.pi) - np.pi)
        skyline = np.where(beside < half_width, np.maximum(skyline, random.uniform(2, 7)), skyline)
    return skyline


def _antennas(azimuth: Array, elevation: Array, random: np.random.Generator) -> Array:
    """Return the share of light that passes thin masts standing up from the horizon."""
    passing = np.ones_like(azimuth)
    for _ in range(int(random.integers(0, 3))):
        middle, top = random.uniform(-np.pi, np.pi), random.uniform(6, 25)
        beside = np.abs((azimuth - middle + np.pi) % (2 * np.pi) - np.pi) * np.cos(np.radians(elevation))
        mast = np.exp(-((np.degrees(beside) / random.uniform(0.4, 0.9)) ** 2)) * smooth_step(top - elevation)
        passing = passing * (1 - random.uniform(0.4, 0.95) * mast)
    return passing


def _lamps(optics: Optics, x: Array, y: Array, random: np.random.Generator) -> Array:
    """Return each lamp's picture: a sharp core and the halo that lens and dome give it, counts."""
    count = int(random.integers(1, 9))
    azimuths = random.uniform(-np.pi, np.pi, count)
    zenith_angles = np.radians(90 - random.gamma(1.2, 1.5, count))
    peaks = np.minimum(np.exp(random.normal(8.3, 1.4, count)), 60000)
    pictures = np.empty((count, FRAME_SIZE, FRAME_SIZE), np.float32)
    for picture, azimuth, zenith_angle, peak in zip(pictures, azimuths, zenith_angles, peaks, strict=True):
        lamp_x, lamp_y = optics.pixels(azimuth, zenith_angle)
        squared = (x - lamp_x) ** 2 + (y - lamp_y) ** 2
        picture[:] = peak * (np.exp(-squared / 1.6) + 0.03 / (1 + squared / 16) ** 1.5)
    return pictures
