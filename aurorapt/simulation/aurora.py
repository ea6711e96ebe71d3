"""The aurora of the simulated sky: diffuse glow, arcs with folds, rays and surges, and pulsating patches.

Every form is a function of time alone: made once for an episode, rendered for any second of it, in any order.
Positions are kilometres east (u) and north (v) of the camera along magnetic latitude, at the form's altitude.
Light is in counts of the nominal camera at the zenith, where the moonless sky gives about 250.
"""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from aurorapt.simulation.optics import SkyGrid
from aurorapt.simulation.textures import (
    Array,
    noise_line,
    noise_tile,
    random_stream,
    sample_line,
    sample_tile,
    smooth_step,
)

# Heights of the slabs an arc's curtain is summed over, km, and their share of its light: a lower border near 105 km
# and a tail of rays above it (Stoermer 1955, The Polar Aurora).
ARC_ALTITUDES = (105.0, 115.0, 128.0, 146.0, 170.0)
ARC_SHARES = (0.34, 0.28, 0.20, 0.12, 0.06)
SLAB_DEPTHS = (10.0, 12.0, 16.0, 22.0, 28.0)  # km
FIELD_LEAN = 0.18  # horizontal km southward per km of height: field lines dip about 80 degrees at these sites
DIFFUSE_ALTITUDE = 110.0  # km
PATCH_ALTITUDE = 100.0  # km; Partamies et al. 2017, J. Geophys. Res. 122, 5606: emission peaks near 100 km
PATCH_CELL = 4.0  # km along the edge of a cell of the plane in which patches are drawn
PATCH_PLANE = 256  # cells along the edge of that plane, which repeats every 1024 km
SURGE_RISE = 90.0  # seconds that the brightening of a surge takes


class AuroralForm(Protocol):
    """One form of aurora during one episode."""

    def render(self, seconds: float) -> Array:
        """Return the form's light ``seconds`` into the episode, (128, 128) float32 [y, x], counts."""


class MagneticPlane:
    """Ground positions of the sky grid's lines of sight in the frame of magnetic latitude."""

    def __init__(self, grid: SkyGrid, declination: float) -> None:
        self.grid = grid
        self.declination = declination
        self._positions: dict[float, tuple[Array, Array]] = {}

    def position(self, altitude: float) -> tuple[Array, Array]:
        """Return magnetic east and north of the camera at ``altitude`` km, two (128, 128) float32 arrays, km."""
        if altitude not in self._positions:
            east, north = self.grid.ground_position(altitude)
            cosine, sine = np.cos(self.declination), np.sin(self.declination)
            along, across = east * cosine - north * sine, north * cosine + east * sine
            self._positions[altitude] = along.astype(np.float32), across.astype(np.float32)
        return self._positions[altitude]


class DiffuseAurora:
    """A broad glow along magnetic latitude with faint streaks.

    Belts are 100 to 400 km wide, of 0.5 to several kR in the green line (Lui et al. 1973, Planet. Space Sci. 21,
    857), and drift with the plasma at some 100 m/s.
    """

    def __init__(self, plane: MagneticPlane, random: np.random.Generator, brightness: float) -> None:
        self.u, self.v = plane.position(DIFFUSE_ALTITUDE)
        self.path = plane.grid.van_rhijn(DIFFUSE_ALTITUDE)
        self.brightness = brightness
        self.centre = random.uniform(-130, 160)
        self.half_width = random.uniform(70, 190)
        self.drift = random.uniform(-0.03, 0.02)  # km/s, northward
        self.speed = random.uniform(-0.5, 0.5)  # km/s, eastward
        self.streaks = random.uniform(0.03, 0.2)
        self.offsets = random.uniform(0, 256, 4)
        self.undulation = random.uniform(10, 50)

    def render(self, seconds: float) -> Array:
        """Return the glow's light, (128, 128) float32 [y, x], counts."""
        x1, y1, x2, y2 = self.offsets
        tile = noise_tile(1, 3.0)
        u = self.u - self.speed * seconds
        wave = sample_tile(tile, u / 30 + x1, self.v / 90 + y1 + seconds / 400)
        streak = sample_tile(tile, u / 9 + x2, self.v / 2.2 + y2 + seconds / 250)
        across = self.v - self.centre - 80 * np.tanh(self.drift * seconds / 80) + self.undulation * wave
        belt = np.exp(-(np.abs(across / self.half_width) ** 2.5))
        texture = np.maximum(1 + self.streaks * streak + 0.25 * wave, 0.05)
        light: Array = self.brightness * belt * texture * self.path
        return light


class Arcs:
    """One to four arcs lying along magnetic latitude, folded, rayed, and torn up if a surge passes.

    Arcs are 1 to 30 km wide, typically 18 (Knudsen et al. 2001, Geophys. Res. Lett. 28, 705), up to five in
    parallel, drift across themselves at about 100 m/s with the convection (Williams et al. 1998, Ann. Geophys. 16,
    1322), while rays and bright knots run along them at several km/s (Safargaleev et al. 2003, Ann. Geophys. 21,
    1793). A surge travels west at about 2 km/s (Craven et al. 1989, J. Geophys. Res. 94) while the bulge
    behind it expands poleward at about 0.5 to 1 km/s (Akasofu 1964, Planet. Space Sci. 12, 273).
    """

    def __init__(self, plane: MagneticPlane, random: np.random.Generator, brightness: float, surge: bool) -> None:
        self.plane = plane
        count = int(random.choice([1, 2, 3, 4], p=[0.45, 0.3, 0.15, 0.1]))
        first = random.uniform(-220, 180)
        gaps = random.uniform(25, 90, count)
        self.latitudes = first + np.cumsum(gaps) - gaps[0]
        self.widths = np.clip(np.exp(random.normal(np.log(9), 0.5, count)), 3, 30)
        self.peaks = brightness * np.exp(random.normal(0, 0.4, count))
        self.drift = random.uniform(-0.15, 0.08)
        self.fold_height = random.uniform(3, 22)
        self.fold_speed = random.uniform(-1.5, 1.5)
        self.ray_depth = random.uniform(0.05, 0.5)
        self.ray_speed = random.choice([-1, 1]) * random.uniform(0.5, 5)
        self.offsets = random.uniform(0, 2048, (count, 4))
        self.curl = random.uniform(2, 9)
        self.surge = surge
        self.onset = random.uniform(60, 240)
        self.head = random.uniform(-50, 350)  # km east of the camera at the onset
        self.surge_speed = random.uniform(0.4, 2.2)
        self.bulge_speed = random.uniform(0.15, 0.7)
        self._smears = [self._smear(h, depth) for h, depth in zip(ARC_ALTITUDES, SLAB_DEPTHS, strict=True)]

    def _smear(self, altitude: float, depth: float) -> Array:
        """Return the half spread, km across the arc, that a slab's depth gives a line of sight."""
        _, below = self.plane.position(altitude - depth / 2)
        _, above = self.plane.position(altitude + depth / 2)
        half_spread: Array = 0.35 * np.abs(above - below + FIELD_LEAN * depth)
        return half_spread

    def render(self, seconds: float) -> Array:
        """Return the arcs' light, (128, 128) float32 [y, x], counts."""
        u, v = self.plane.position(ARC_ALTITUDES[1])
        bulge, age = self._bulge(u, seconds)
        tile = noise_tile(2, 3.2)
        curl = self.curl * (1 + 3.5 * bulge)
        warp_u = curl * sample_tile(tile, u / 7 - seconds / 12, v / 7 + seconds / 60)
        warp_v = curl * sample_tile(tile, u / 9 + 91 + seconds / 20, v / 9 + 37)
        lift = bulge * min(self.bulge_speed * age, 260)
        light = np.zeros_like(u)
        for altitude, share, depth_smear in zip(ARC_ALTITUDES, ARC_SHARES, self._smears, strict=True):
            slab_u, slab_v = self.plane.position(altitude)
            foot_v = slab_v + FIELD_LEAN * (altitude - ARC_ALTITUDES[0])
            light += share * self._slab(slab_u + warp_u, foot_v + warp_v, lift, depth_smear, seconds)
        light *= 1 + 5 * bulge
        if self.surge:
            light += 0.35 * self.peaks[0] * bulge * self._torn(u, v, age)
        light *= np.minimum(self.plane.grid.van_rhijn(ARC_ALTITUDES[1]), 3)
        return light

    def _slab(self, u: Array, v: Array, lift: Array, smear: Array, seconds: float) -> Array:
        light = np.zeros_like(u)
        folds = noise_line(3, 600, 40)
        rays = noise_line(4, 90, 14)
        brightness = noise_line(5, 1500, 120)
        for number, (latitude, width, peak) in enumerate(zip(self.latitudes, self.widths, self.peaks, strict=True)):
            fold_at, ray_at, bright_at, phase = self.offsets[number]
            fold = sample_line(folds, u - self.fold_speed * seconds + fold_at)
            ray = sample_line(rays, u - self.ray_speed * seconds + ray_at)
            along = sample_line(brightness, u + bright_at - 0.4 * self.fold_speed * seconds)
            middle = latitude + 100 * np.tanh(self.drift * seconds / 100) + 4 * np.sin(seconds / 97 + phase)
            distance = v - middle - self.fold_height * fold - lift * (0.4 + 0.6 * number / len(self.peaks))
            spread = width**2 + smear**2
            profile = np.exp(-0.5 * distance**2 / spread) * (width / np.sqrt(spread))
            light += peak * profile * np.maximum(1 + self.ray_depth * ray, 0.1) * np.exp(0.45 * along)
        return light

    def _bulge(self, u: Array, seconds: float) -> tuple[Array, float]:
        """Return how far the surge has taken hold at each position, 0 to 1, and its age in seconds."""
        age = max(seconds - self.onset, 0.0)
        if not self.surge or age == 0:
            return np.zeros_like(u), age
        western = self.head - self.surge_speed * age - 150
        eastern = self.head + 0.5 * self.surge_speed * age + 250
        reach = smooth_step((u - western) / 160) * smooth_step((eastern - u) / 300)
        decay = np.exp(-max(age - 480, 0.0) / 600)
        return reach * np.float32(decay * smooth_step(age / SURGE_RISE)), age

    def _torn(self, u: Array, v: Array, age: float) -> Array:
        """Return the broken, swirling light inside the bulge, 0 to about 2."""
        tile = noise_tile(6, 2.6)
        twist = 6 * sample_tile(tile, u / 40 + age / 30, v / 40)
        pattern = sample_tile(tile, u / 6 + twist + age / 4, v / 4 + twist - age / 15)
        top = self.latitudes[-1] + min(self.bulge_speed * age, 260)
        inside = smooth_step((v - self.latitudes[0] + 40) / 60) * smooth_step((top - v) / 60)
        light: Array = inside * np.exp(0.8 * pattern)
        return light


class PulsatingPatches:
    """Patches that switch on and off, each at its own quasi-period, drifting together with the plasma.

    Periods are 2 to 20 s and sizes 10 to 200 km (Royrvik and Davis 1977, J. Geophys. Res. 82, 4720; Lessard 2012,
    AGU Geophys. Monogr. 197, 55); on times have a plateau and vary erratically from pulse to pulse (Humberset et al.
    2016, J. Geophys. Res. 121). The 3 Hz modulation inside the on phase averages out in a 1 s exposure. Shapes
    persist for 4.5 to 8.5 min and longer (Humberset et al. 2018, J. Geophys. Res. 123, 4272), and drift with E x B
    at up to 1 km/s, east after midnight and west before it (Yang et al. 2017, Ann. Geophys. 35, 217). Some
    episodes are patchy, others amorphous (Grono and Donovan 2018, Ann. Geophys. 36, 891).
    """

    def __init__(self, plane: MagneticPlane, random: np.random.Generator, brightness: float, eastward: bool) -> None:
        self.u, self.v = plane.position(PATCH_ALTITUDE)
        self.path = np.minimum(plane.grid.van_rhijn(PATCH_ALTITUDE), 4)
        self.key = int(random.integers(2**31))
        self.brightness = brightness
        self.speed = (1 if eastward else -1) * random.uniform(0.1, 1.0)
        self.drift = random.uniform(-0.1, 0.1)
        self.softness = random.choice([random.uniform(0.2, 0.5), random.uniform(0.6, 1.0)])
        self.typical_radius = np.exp(random.uniform(np.log(15), np.log(55)))
        self.raggedness = random.uniform(0.15, 0.5)
        self.elongation = random.uniform(1.0, 2.2)
        self.band = random.uniform(90, 260)
        self.band_centre = random.uniform(-80, 110)
        filling = random.uniform(0.5, 1.3)  # areas of all patches over that of the band
        area = 2.5 * self.band * PATCH_PLANE * PATCH_CELL
        count = int(np.clip(filling * area / (np.pi * self.typical_radius**2), 30, 300))
        self.periods = np.clip(np.exp(random.normal(np.log(8), 0.45, count)), 2, 20)
        self.on_shares = random.uniform(0.3, 0.65, count)
        self.lifetimes = random.uniform(270, 1200, count)
        self.phases = random.uniform(0, 1, (3, count))
        self.offsets = random.uniform(0, 256, 2)
        self._shapes: dict[tuple[int, int], tuple[int, int, Array]] = {}

    def render(self, seconds: float) -> Array:
        """Return the patches' light, (128, 128) float32 [y, x], counts."""
        drawn = np.zeros((PATCH_PLANE, PATCH_PLANE), np.float32)
        ages = seconds / self.lifetimes + self.phases[0]
        lives = np.floor(ages).astype(int)
        envelope = smooth_step(8 * (ages - lives)) * smooth_step(8 * (1 + lives - ages))
        strengths = envelope * self._pulse(seconds)
        for number in np.flatnonzero(strengths > 0.02):
            row, column, shape = self._shape(int(number), int(lives[number]))
            # A pulse spreads from the patch's core outward while it brightens.
            strength = strengths[number]
            lit = smooth_step((shape - 0.3 * max(1 - strength, 0)) / self.softness)
            rows = np.arange(row, row + shape.shape[0]) % PATCH_PLANE
            columns = np.arange(column, column + shape.shape[1]) % PATCH_PLANE
            drawn[np.ix_(rows, columns)] += strength * lit
        tile = noise_tile(7, 3.0)
        warp = 10 * sample_tile(tile, self.u / 10 + self.offsets[0], self.v / 10 + self.offsets[1])
        x = (self.u + warp - self.speed * seconds) / PATCH_CELL
        y = (self.v + warp - self._northward(seconds)) / PATCH_CELL
        light: Array = self.brightness * sample_tile(drawn, x, y) * self.path * self._inside_band(seconds)
        return light

    def _inside_band(self, seconds: float) -> Array:
        across = np.abs(self.v - self.band_centre - self._northward(seconds)) / self.band
        return smooth_step(2 * (1.25 - across))

    def _northward(self, seconds: float) -> float:
        return 100 * float(np.tanh(self.drift * seconds / 100))

    def _pulse(self, seconds: float) -> NDArray[np.float64]:
        """Return how bright each patch is just now, 0 to about 1.4, averaged over the exposure."""
        wander = 0.35 * np.sin(2 * np.pi * (seconds / (6.3 * self.periods) + self.phases[1]))
        turns = seconds / self.periods + self.phases[2] + wander
        cycle = np.floor(turns)
        part = turns - cycle
        edge = np.minimum(1.2 / self.periods, 0.5 * self.on_shares)
        plateau = smooth_step(part / edge) * smooth_step((self.on_shares - part) / edge)
        erratic = np.modf(np.abs(np.sin(cycle * 12.9898 + self.phases[1] * 78.233)) * 43758.5453)[0]
        brightness: NDArray[np.float64] = plateau * (0.45 + 0.95 * erratic)
        return brightness

    def _shape(self, number: int, life: int) -> tuple[int, int, Array]:
        """Return a patch's corner (row, column) in the plane and its shape: 1 at the core, 0 at the rim."""
        if (number, life) not in self._shapes:
            random = random_stream(self.key, number, life + 1)
            radius = np.clip(self.typical_radius * np.exp(random.normal(0, 0.4)), 6, 100) / PATCH_CELL
            long, short = radius * np.sqrt(self.elongation), radius / np.sqrt(self.elongation)
            extent = int(np.ceil(1.5 * long)) + 1
            y, x = np.mgrid[-extent : extent + 1, -extent : extent + 1].astype(np.float32)
            turn = random.normal(0, 0.35)
            across, along = y * np.cos(turn) - x * np.sin(turn), x * np.cos(turn) + y * np.sin(turn)
            corner = random.uniform(0, 256, 2).astype(np.float32)
            rough = sample_tile(noise_tile(8, 3.0), x * 16 / radius + corner[0], y * 16 / radius + corner[1])
            shape = 1 - np.hypot(along / long, across / short) + self.raggedness * rough
            rim = smooth_step((1.5 - np.hypot(along / long, across / short)) / 0.3)
            column = int(random.integers(0, PATCH_PLANE))
            middle = self.band_centre + self.band * random.uniform(-1.25, 1.25)
            row = int(middle / PATCH_CELL) - extent
            self._shapes[number, life] = row, column, (shape * rim).astype(np.float32)
        return self._shapes[number, life]
