"""The sites of the THEMIS all-sky cameras: where they stand, on the globe and in the Earth's magnetic field."""

from typing import NamedTuple

MAGNETIC_YEARS = (2005.0, 2015.0, 2025.0)  # of the magnetic coordinates below


class Site(NamedTuple):
    """Where a camera stands: degrees north and east, to about 0.1.

    ``magnetic_latitudes`` and ``magnetic_longitudes``, degrees, are corrected geomagnetic coordinates at 110 km, where
    pulsating aurora shines, at the beginning of each of `MAGNETIC_YEARS`: AACGM-v2 (Shepherd, 2014, JGR Space Physics
    119, 7501), computed once with aacgmv2 2.7.1, which has no wheels to depend on. ``simulated_device`` is the device
    number that the simulated camera has there.
    """

    name: str
    latitude: float
    longitude: float
    magnetic_latitudes: tuple[float, float, float]
    magnetic_longitudes: tuple[float, float, float]
    simulated_device: str


SITES = {
    "atha": Site("Athabasca", 54.7, -113.3, (62.1, 61.7, 61.4), (-53.3, -51.3, -50.1), "themis02"),
    "chbg": Site("Chibougamau", 49.8, -74.4, (59.8, 58.9, 57.9), (3.4, 4.5, 4.8), "themis03"),
    "ekat": Site("Ekati", 64.7, -110.6, (72.1, 71.7, 71.2), (-54.4, -51.5, -49.9), "themis22"),
    "fsim": Site("Fort Simpson", 61.8, -121.3, (67.4, 67.2, 66.8), (-66.4, -63.8, -62.4), "themis04"),
    "fsmi": Site("Fort Smith", 60.0, -111.9, (67.4, 67.1, 66.6), (-53.6, -51.2, -49.8), "themis05"),
    "fykn": Site("Fort Yukon", 66.6, -145.2, (67.4, 67.5, 67.4), (-94.1, -91.5, -89.8), "themis06"),
    "gako": Site("Gakona", 62.4, -145.2, (63.1, 63.2, 63.1), (-91.2, -88.9, -87.6), "themis07"),
    "gbay": Site("Goose Bay", 53.3, -60.5, (61.0, 60.0, 59.0), (22.9, 23.3, 22.9), "themis08"),
    "gill": Site("Gillam", 56.4, -94.7, (66.3, 65.7, 65.0), (-27.6, -25.6, -24.7), "themis19"),
    "inuv": Site("Inuvik", 68.4, -133.8, (71.3, 71.3, 71.1), (-85.2, -82.1, -80.1), "themis09"),
    "kapu": Site("Kapuskasing", 49.4, -82.3, (60.0, 59.2, 58.3), (-8.3, -6.8, -6.3), "themis10"),
    "kian": Site("Kiana", 67.0, -160.4, (65.2, 65.5, 65.5), (-106.7, -104.5, -103.0), "themis11"),
    "kuuj": Site("Kuujjuaq", 58.2, -68.5, (67.1, 66.2, 65.3), (13.1, 13.7, 13.4), "themis12"),
    "mcgr": Site("McGrath", 63.0, -155.6, (61.9, 62.0, 62.0), (-100.3, -98.3, -97.0), "themis13"),
    "nrsq": Site("Narsarsuaq", 61.2, -45.4, (66.0, 65.2, 64.5), (42.8, 42.3, 41.0), "themis23"),
    "pgeo": Site("Prince George", 53.8, -122.8, (59.3, 59.1, 58.8), (-64.4, -62.4, -61.3), "themis14"),
    "pina": Site("Pinawa", 50.2, -96.0, (60.3, 59.7, 59.1), (-28.7, -26.9, -26.0), "themis15"),
    "rank": Site("Rankin Inlet", 62.8, -92.1, (72.5, 71.8, 71.1), (-24.6, -22.4, -21.5), "themis16"),
    "snap": Site("Snap Lake", 63.6, -110.9, (71.0, 70.6, 70.2), (-54.2, -51.4, -49.8), "themis24"),
    "snkq": Site("Sanikiluaq", 56.5, -79.2, (66.6, 65.7, 64.9), (-3.2, -2.0, -1.7), "themis17"),
    "talo": Site("Taloyoak", 69.5, -93.6, (78.5, 77.8, 77.1), (-29.7, -26.8, -25.6), "themis18"),
    "tpas": Site("The Pas", 54.0, -100.9, (63.4, 62.9, 62.3), (-36.3, -34.4, -33.3), "themis20"),
    "whit": Site("Whitehorse", 61.0, -135.2, (63.7, 63.7, 63.5), (-81.0, -78.7, -77.3), "themis21"),
    "yknf": Site("Yellowknife", 62.5, -114.5, (69.4, 69.0, 68.6), (-58.4, -55.7, -54.2), "themis25"),
}
