"""The optics and sensor of a simulated THEMIS all-sky camera, and the horizon it looks out upon."""

from dataclasses import dataclass, field

import numpy as np

from aurorapt.textures import Array, noise_tile, random_stream, sample_tile, smooth_step

FRAME_SIZE = 256  # pixels along each edge of a frame
EARTH_RADIUS = 6371.0  # km
BIAS = 3400.0  # counts without light; the real header's "Ccd background" says 3300
COUNTS_PER_ELECTRON = 1.72  # slope of variance over level in real consecutive frames
READ_NOISE = 10.0  # counts, standard deviation; real frames have 14 in corners that get 90 counts of stray light
RIM_RADIUS = 128.5  # pixels from the optical centre to the edge of the lens's image
PLATE_LINEAR = 0.6825  # degrees of zenith angle a pixel
PLATE_CUBIC = 2.54e-6  # degrees of zenith angle a pixel cubed
# Relative illumination of a uniform overcast over the distance from the optical centre, pixels.
VIGNETTING_RADII = (0, 60, 76, 84, 92, 100, 108, 116, 124, 130)
VIGNETTING = (1.0, 0.98, 0.96, 0.92, 0.82, 0.66, 0.53, 0.45, 0.37, 0.33)


@dataclass(frozen=True)
class Optics:
    """How the all-sky lens maps directions to pixels.

    The zenith angle is a cubic of the distance from the optical centre, the fisheye law of the header's
    "Optical projection"; its coefficients put 15 degrees elevation at 105.4 pixels and the horizon at 124.
    Rows run from north (row 0) to south and columns from east (column 0) to west, as asilib shows THEMIS frames,
    when `rotation` is zero.

    Attributes
    ----------
    centre_x, centre_y : float
        Pixel of the zenith.
    rotation : float
        Azimuth of the upper edge, radians from north through east.
    scale : float
        Plate scale relative to the nominal camera's.

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

    def pixels(self, azimuth: Array, zenith_angle: Array) -> tuple[Array, Array]:
        """Return the pixel position (x, y) of directions in radians."""
        degrees = np.degrees(zenith_angle)
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
        return np.hypot(x - self.centre_x, y - self.centre_y)


def elevation_mask(minimum_elevation: float, optics: Optics | None = None) -> np.ndarray:
    """Return which pixels look high enough.

    Parameters
    ----------
    minimum_elevation : float
        Degrees above the horizon.
    optics : Optics, optional
        The camera; the nominal THEMIS camera when left out.

    Returns
    -------
    mask : (256, 256) uint8 [y, x], 1 at or above `minimum_elevation`, 0 below it

    """
    y, x = np.mgrid[:FRAME_SIZE, :FRAME_SIZE].astype(np.float32)
    _, zenith_angle = (optics or Optics()).directions(x, y)
    return (np.degrees(zenith_angle) <= 90 - minimum_elevation).astype(np.uint8)


class SkyGrid:
    """The directions in which the sky is computed: every second pixel each way, (128, 128) [y, x].

    Attributes
    ----------
    azimuth, zenith_angle : (128, 128) float32, radians
    air_mass : (128, 128) float32
        Rozenberg's formula, 1 / (cos z + 0.025 exp(-11 cos z)) (Rozenberg 1966, Twilight).

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
        return (np.sin(elevation) * np.cos(self.zenith_angle) + np.cos(elevation) * across).astype(np.float32)

    def ground_position(self, altitude: float) -> tuple[Array, Array]:
        """Return where each line of sight crosses a shell around the spherical Earth.

        Parameters
        ----------
        altitude : float
            Height of the shell, km.

        Returns
        -------
        east, north : (128, 128) float32
            Distances along the ground from the camera, km.

        """
        angle_at_shell = np.arcsin(EARTH_RADIUS / (EARTH_RADIUS + altitude) * np.sin(self.zenith_angle))
        distance = EARTH_RADIUS * (self.zenith_angle - angle_at_shell)
        east, north = distance * np.sin(self.azimuth), distance * np.cos(self.azimuth)
        return east.astype(np.float32), north.astype(np.float32)

    def van_rhijn(self, altitude: float) -> Array:
        """Return how much longer than at the zenith each path through a thin shell is (van Rhijn 1921)."""
        sine = EARTH_RADIUS / (EARTH_RADIUS + altitude) * np.sin(self.zenith_angle)
        return (1 / np.sqrt(1 - sine**2)).astype(np.float32)


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


@dataclass(frozen=True)
class Camera:
    """One simulated camera: where it points, what surrounds it, and how its sensor counts.

    Attributes
    ----------
    optics : Optics
    grid : SkyGrid
    horizon : Horizon
    sensitivity : float
        Counts relative to the nominal camera's.
    bias : float
        Counts without light.
    response : (256, 256) float32
        Vignetting times the pixels' relative sensitivity.
    offset : (256, 256) float32
        Fixed pattern and hot pixels, counts.

    """

    optics: Optics
    grid: SkyGrid = field(repr=False)
    horizon: Horizon = field(repr=False)
    sensitivity: float
    bias: float
    response: Array = field(repr=False)
    offset: Array = field(repr=False)

    def expose(self, light: Array, lamps_lit: Array, random: np.random.Generator) -> np.ndarray:
        """Return the frame that the sensor reads out.

        Parameters
        ----------
        light : (256, 256) float32 [y, x]
            The sky's light in counts of the nominal camera at the zenith.
        lamps_lit : (number of lamps,) float32
            How bright each lamp of the horizon is just now, 0 to 1.
        random : numpy.random.Generator
            Of the shot and read noise.

        Returns
        -------
        frame : (256, 256) uint16 [y, x], raw counts

        """
        mean_light = float(np.minimum(light, 20000)[::4, ::4].mean())
        signal = light * self.horizon.openness
        signal += mean_light * self.horizon.rim_reflection
        signal *= self.response * self.sensitivity
        signal += (mean_light * self.sensitivity) * self.horizon.stray_light
        for lamp, lit in zip(self.horizon.lamps, lamps_lit, strict=True):
            if lit > 0:
                signal += lit * lamp
        np.maximum(signal, 0, out=signal)
        noise = random.standard_normal(signal.shape, dtype=np.float32)
        noise *= np.sqrt(COUNTS_PER_ELECTRON * signal + READ_NOISE**2)
        signal += noise
        signal += self.offset
        signal += self.bias + 0.5
        return np.clip(signal, 0, 65535).astype(np.uint16)


def make_camera(seed: int, site: str) -> Camera:
    """Return the camera of a site: its own centre, rotation, sensitivity, sensor and horizon."""
    random = random_stream(seed, site, "camera")
    optics = Optics(
        centre_x=127.5 + random.uniform(-5, 5),
        centre_y=127.5 + random.uniform(-5, 5),
        rotation=float(np.radians(random.normal(0, 12))),
        scale=random.uniform(0.985, 1.015),
    )
    pixel_response = random.normal(1, 0.006, (FRAME_SIZE, FRAME_SIZE))
    vignetting = np.interp(optics.distance(), VIGNETTING_RADII, VIGNETTING)
    return Camera(
        optics=optics,
        grid=SkyGrid(optics),
        horizon=_make_horizon(optics, random),
        sensitivity=float(np.exp(random.normal(0, 0.2))),
        bias=BIAS + random.normal(0, 40),
        response=(vignetting * pixel_response).astype(np.float32),
        offset=_fixed_pattern(random),
    )


def _fixed_pattern(random: np.random.Generator) -> Array:
    """Return what the sensor adds to every frame: pixel and column offsets and hot pixels, counts."""
    offset = random.normal(0, 3, (FRAME_SIZE, FRAME_SIZE))
    offset += random.normal(0, 1.5, FRAME_SIZE)
    offset[:, 1] += random.uniform(15, 30)  # the second column reads high on real frames
    count = int(random.integers(30, 160))
    rows, columns = random.integers(0, FRAME_SIZE, (2, count))
    offset[rows, columns] += np.minimum(np.exp(random.normal(4.8, 1.0, count)), 8000)
    return offset.astype(np.float32)


def _make_horizon(optics: Optics, random: np.random.Generator) -> Horizon:
    distance = optics.distance()
    y, x = np.mgrid[:FRAME_SIZE, :FRAME_SIZE].astype(np.float32)
    azimuth, zenith_angle = optics.directions(x, y)
    elevation = 90 - np.degrees(zenith_angle)
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
    skyline = random.uniform(-1, 3) + random.uniform(0.3, 1.2) * hills + random.uniform(0, 2.5) * trees
    for _ in range(int(random.integers(0, 4))):
        middle, half_width = random.uniform(-np.pi, np.pi), np.radians(random.uniform(2, 9))
        beside = np.abs((azimuth - middle + np.pi) % (2 * np.pi) - np.pi)
        skyline = np.where(beside < half_width, np.maximum(skyline, random.uniform(3, 9)), skyline)
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
