"""An observatory to simulate: one THEMIS site, its camera, and the nights above it."""

from datetime import datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from aurorapt.ephemeris import solar_depression
from aurorapt.errors import OptionError
from aurorapt.simulation.aurora import MagneticPlane
from aurorapt.simulation.camera import make_camera
from aurorapt.simulation.nights import Night, local_noon
from aurorapt.simulation.sky import NightSky
from aurorapt.simulation.textures import Array, double_size, random_stream
from aurorapt.themis_sites import SITES

DARK_DEPRESSION = 9.0  # degrees the sun must be below the horizon for the camera to run
LAMP_SWITCHING = 1200.0  # seconds between the moments at which a lamp may be switched


class SimulatedCamera:
    """One site's camera and the sky above it, at any time.

    Parameters
    ----------
    site : a key of ``SITES``
    seed : number of the simulated world, 0 or above

    Raises
    ------
    OptionError
        If the site is not a THEMIS site, or the seed is negative.
    """

    def __init__(self, site: str, seed: int = 0) -> None:
        if site not in SITES:
            raise OptionError(f"no site '{site}' to simulate; the sites are {', '.join(SITES)}")
        if seed < 0:
            raise OptionError(f"the seed must be 0 or above, not {seed}")
        self.site, self.seed = site, seed
        self.place = SITES[site]
        self.camera = make_camera(seed, site)
        random = random_stream(seed, site, "camera-night")
        self._plane = MagneticPlane(self.camera.grid, declination=float(np.radians(random.normal(0, 15))))
        self._sky = NightSky(
            seed, site, self.camera.optics, self.camera.grid, self.place.latitude, self.place.longitude
        )
        self._lamp_rhythms = random.uniform(0, 1, (len(self.camera.horizon.lamps), 2))
        self._night_from = lru_cache(maxsize=2)(self._make_night)

    def is_dark(self, time: datetime) -> bool:
        """Return whether the camera runs at ``time`` (UTC)."""
        return self._depression(time) >= DARK_DEPRESSION

    def class_at(self, time: datetime) -> str:
        """Return the class of a frame taken at ``time`` (UTC)."""
        return self._night(time).class_at(time, self._depression(time))

    def aurora_at(self, time: datetime) -> str:
        """Return the kind of aurora above the clouds at ``time`` (UTC): quiet, arcs, surge, diffuse or pulsating."""
        return self._night(time).aurora_at(time)

    def expose(self, time: datetime) -> NDArray[np.uint16]:
        """Return the frame taken at ``time`` (UTC), (256, 256) uint16 [y, x], raw counts."""
        night = self._night(time)
        moon = self._sky.moon(time)
        light = self._sky.clear_light(time, moon) + night.auroral_light(time)
        light, passing = self._sky.through_clouds(light, night.cloud_depths(time), moon)
        full = double_size(light)
        self._sky.add_stars(full, time, passing)
        self._sky.add_moon(full, moon, passing)
        microseconds = int((time - night.noon) / timedelta(microseconds=1))
        noise = random_stream(self.seed, self.site, night.noon.toordinal(), microseconds)
        return self.camera.expose(full, self._lamps_lit(time), noise)

    def _lamps_lit(self, time: datetime) -> Array:
        """Return which lamps burn, 0 or 1 each: a third always, the rest some of the time."""
        slot = int((time - datetime(2000, 1, 1)).total_seconds() // LAMP_SWITCHING)
        phases = np.modf(self._lamp_rhythms[:, 0] + 0.381966 * (slot % 1000))[0]
        lit: Array = (phases < 0.3 + 1.05 * self._lamp_rhythms[:, 1]).astype(np.float32)
        return lit

    def _night(self, time: datetime) -> Night:
        return self._night_from(local_noon(time, self.place.longitude))

    def _make_night(self, noon: datetime) -> Night:
        return Night(self.seed, self.site, noon, self.camera.grid, self._plane)

    def _depression(self, time: datetime) -> float:
        return solar_depression(time, self.place.latitude, self.place.longitude)
