"""What happens over one site in one night: episodes of weather and aurora, and the class that each frame has."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from aurorapt.simulation.aurora import Arcs, AuroralForm, DiffuseAurora, MagneticPlane, PulsatingPatches
from aurorapt.simulation.optics import SkyGrid
from aurorapt.simulation.sky import CloudLayer, CoveredDome, DriftingClouds
from aurorapt.simulation.textures import Array, random_stream, smooth_step

DAY = 86400.0  # seconds
TWILIGHT_DEPRESSION = 11.0  # degrees; with the sun higher the zenith is over ten times as bright as the dark sky
CHANGE = 120.0  # seconds that one episode takes to give way to the next

# Weather and how often it is chosen; auroral observatories see stars on about half of all nights.
WEATHER = {"clear": 0.45, "few_clouds": 0.10, "broken": 0.14, "overcast": 0.16, "thin": 0.10, "covered_dome": 0.05}
VIEWABLE_WEATHER = ("clear", "few_clouds")
AURORA_CLASS = {
    "quiet": "no_aurora",
    "arcs": "other_aurora",
    "surge": "other_aurora",
    "diffuse": "other_aurora",
    "pulsating": "pulsating",
}


@dataclass(frozen=True)
class Episode:
    """One kind of weather or aurora from ``start`` to ``end``, seconds after the local noon that begins the night."""

    kind: str
    start: float
    end: float

    def share(self, seconds: float) -> float:
        """Return how far the episode is there, 0 to 1; at a border two episodes change over smoothly."""
        rise = smooth_step((seconds - self.start) / CHANGE + 0.5)
        fall = smooth_step((self.end - seconds) / CHANGE + 0.5)
        return float(rise * fall)


def local_noon(time: datetime, longitude: float) -> datetime:
    """Return the last mean solar noon at ``longitude`` (degrees) not after ``time`` (UTC)."""
    noon = datetime(time.year, time.month, time.day, 12) - timedelta(hours=longitude / 15)
    while noon > time:
        noon -= timedelta(days=1)
    while noon + timedelta(days=1) <= time:
        noon += timedelta(days=1)
    return noon


class Night:
    """One site's weather and aurora from one local noon to the next.

    Parameters
    ----------
    seed, site : of the simulation
    noon : naive UTC time of the local noon that begins the night
    grid, plane : the directions in which the sky is computed, and their places in the frame of magnetic latitude
    """

    def __init__(self, seed: int, site: str, noon: datetime, grid: SkyGrid, plane: MagneticPlane) -> None:
        self.noon = noon
        self.grid, self.plane = grid, plane
        self._key: tuple[int | str, ...] = (seed, site, noon.toordinal())
        self.weather = _weather_episodes(random_stream(*self._key, "weather"))
        self.aurora = _aurora_episodes(random_stream(*self._key, "aurora"))
        self._clouds: dict[int, CloudLayer | None] = {}
        self._forms: dict[int, list[AuroralForm]] = {}

    def class_at(self, time: datetime, depression: float) -> str:
        """Return the class of a frame taken at ``time`` (UTC) with the sun ``depression`` degrees below the horizon."""
        seconds = (time - self.noon).total_seconds()
        weather = next(episode for episode in self.weather if seconds < episode.end)
        if depression < TWILIGHT_DEPRESSION or weather.kind not in VIEWABLE_WEATHER:
            return "bad_viewing"
        return AURORA_CLASS[self.aurora_at(time)]

    def aurora_at(self, time: datetime) -> str:
        """Return the kind of aurora above the clouds at ``time`` (UTC), a key of `AURORA_CLASS`."""
        seconds = (time - self.noon).total_seconds()
        return next(episode for episode in self.aurora if seconds < episode.end).kind

    def auroral_light(self, time: datetime) -> Array:
        """Return the light of all aurora at ``time`` (UTC), (128, 128) float32 [y, x], counts."""
        light = np.zeros_like(self.grid.azimuth)
        for number, seconds, share in self._active(self.aurora, time):
            if number not in self._forms:
                self._forms[number] = self._make_forms(number)
            for form in self._forms[number]:
                light += share * form.render(seconds)
        return light

    def cloud_depths(self, time: datetime) -> Iterator[Array]:
        """Yield the optical depth of each layer of cloud at ``time`` (UTC), (128, 128) float32 [y, x]."""
        for number, seconds, share in self._active(self.weather, time):
            if number not in self._clouds:
                self._clouds[number] = self._make_clouds(number)
            layer = self._clouds[number]
            if layer is not None:
                yield layer.optical_depth(seconds, share)

    def _active(self, episodes: list[Episode], time: datetime) -> Iterator[tuple[int, float, float]]:
        """Yield number, seconds since its start, and share of each episode that is there at ``time``."""
        seconds = (time - self.noon).total_seconds()
        for number, episode in enumerate(episodes):
            share = episode.share(seconds)
            if share > 0:
                yield number, seconds - episode.start, share

    def _make_clouds(self, number: int) -> CloudLayer | None:
        random = random_stream(*self._key, "clouds", number)
        kind = self.weather[number].kind
        if kind == "clear":
            return None
        if kind == "covered_dome":
            return CoveredDome(random)
        covers, depths, edges = {
            "few_clouds": ((0.003, 0.03), (0.5, 2.0), (0.1, 0.3)),
            "broken": ((0.65, 0.9), (3.0, 12.0), (0.3, 0.8)),
            "overcast": ((0.95, 0.998), (3.0, 20.0), (0.3, 1.1)),
            "thin": ((0.85, 0.99), (2.0, 4.0), (0.4, 1.1)),
        }[kind]
        depth = float(np.exp(random.uniform(*np.log(depths))))
        return DriftingClouds(self.grid, random, random.uniform(*covers), depth, edge=random.uniform(*edges))

    def _make_forms(self, number: int) -> list[AuroralForm]:
        random = random_stream(*self._key, "forms", number)
        episode = self.aurora[number]

        def brightness(low: float, high: float) -> float:
            return float(np.exp(random.uniform(np.log(low), np.log(high))))

        def diffuse(low: float, high: float) -> AuroralForm:
            return DiffuseAurora(self.plane, random, brightness(low, high))

        def pulsating() -> list[AuroralForm]:
            patches = brightness(300, 1800)
            glow = patches * random.uniform(0.3, 1.5)
            eastward = episode.start > DAY / 2
            return [
                DiffuseAurora(self.plane, random, glow),
                PulsatingPatches(self.plane, random, patches, eastward),
            ]

        makers: dict[str, Callable[[], list[AuroralForm]]] = {
            "quiet": lambda: [],
            "arcs": lambda: [diffuse(30, 200), Arcs(self.plane, random, brightness(800, 6000), surge=False)],
            "surge": lambda: [diffuse(200, 1500), Arcs(self.plane, random, brightness(2000, 9000), surge=True)],
            "diffuse": lambda: [diffuse(500, 2500)],
            "pulsating": pulsating,
        }
        return makers[episode.kind]()


def _weather_episodes(random: np.random.Generator) -> list[Episode]:
    """Return a night's weather: changes every hour or two, with a few nights of one kind."""
    episodes: list[Episode] = []
    median = random.choice([4000.0, 9000.0, 40000.0], p=[0.45, 0.4, 0.15])
    while not episodes or episodes[-1].end < DAY + CHANGE:
        kind = str(random.choice(list(WEATHER), p=list(WEATHER.values())))
        _append(episodes, kind, max(median * np.exp(random.normal(0, 0.6)), 900.0))
    return episodes


def _aurora_episodes(random: np.random.Generator) -> list[Episode]:
    """Return a night's aurora: substorms, each a quiet spell, arcs, perhaps a surge, and a recovery.

    A recovery after local midnight brings pulsating aurora in most cases, one before it seldom: at Gillam 54 % and
    14 % of clear nights have some (Rychert et al. 2009, AGU Fall Meeting SM41A-1688), and it goes on for one hour to
    many (Jones et al. 2013, J. Geophys. Res. 118, 2998).
    """
    episodes: list[Episode] = []
    calm = random.choice([1.0, 4.0], p=[0.75, 0.25])
    while not episodes or episodes[-1].end < DAY + CHANGE:
        _append(episodes, "quiet", calm * _minutes(random, 45, 0.7))
        _append(episodes, "arcs", _minutes(random, 22, 0.5))
        if random.uniform() < 0.55:
            _append(episodes, "surge", _minutes(random, 18, 0.3))
        after_midnight = episodes[-1].end > DAY / 2
        if random.uniform() < (0.8 if after_midnight else 0.25):
            _append(episodes, "pulsating", _minutes(random, 75, 0.5))
        elif random.uniform() < 0.7:
            _append(episodes, "diffuse", _minutes(random, 35, 0.4))
    return episodes


def _append(episodes: list[Episode], kind: str, seconds: float) -> None:
    start = episodes[-1].end if episodes else -CHANGE
    episodes.append(Episode(kind, start, start + seconds))


def _minutes(random: np.random.Generator, median: float, spread: float) -> float:
    """Return a lognormal duration in seconds, at least five minutes."""
    return max(60 * median * float(np.exp(random.normal(0, spread))), 300.0)
