"""Labels of a season for the notebooks, where you have none of your own: simulated, and made once."""

import sys
from datetime import date, datetime, timedelta
from pathlib import Path

import numpy as np

from aurorapt.archive.camera_nights import CameraNight
from aurorapt.results.classifications import CLASSIFICATION, csv_path, csv_text
from aurorapt.simulation.observatory import SimulatedCamera
from aurorapt.themis import CADENCE, CLASSES

FIRST_NIGHT = date(2014, 3, 1)
SITES = ("gill", "fsim")
SHARE_RIGHT = 0.8  # of the labels; the others are any class


def simulate_season(output: Path, seed: int, nights: int = 10) -> Path:
    """Write classification files of simulated nights, whose labels are the truth with mistakes; once.

    Parameters
    ----------
    output : folder for the files; nothing is done where it is there
    seed : of the mistakes: another number is another network looking at the same sky
    nights : UT dates

    Returns
    -------
    the folder
    """
    if output.exists():
        return output
    random = np.random.default_rng(seed)
    for site in SITES:
        camera = SimulatedCamera(site, seed=2)
        for day in (FIRST_NIGHT + timedelta(days=number) for number in range(nights)):
            path = csv_path(output, CameraNight(day, site, "themis", Path(f"{site}_themis")))
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(csv_text(_rows(camera, day, random), datetime.now()))
    return output


def _rows(camera: SimulatedCamera, day: date, random: np.random.Generator) -> "np.ndarray":
    midnight = datetime.combine(day, datetime.min.time())
    minutes = [
        time for time in (midnight + timedelta(minutes=number) for number in range(1440)) if camera.is_dark(time)
    ]
    times = [minute + number * CADENCE for minute in filter(camera.is_dark, minutes) for number in range(20)]
    truth = np.array([CLASSES.index(camera.class_at(time)) for time in times])
    rows = np.empty(len(times), CLASSIFICATION)
    rows["time"] = times
    right = random.random(len(times)) < SHARE_RIGHT
    rows["prediction"] = np.where(right, truth, random.integers(0, len(CLASSES), len(times)))
    rows["prediction_str"] = np.array(CLASSES)[rows["prediction"]]
    rows["confidence"] = random.uniform(0.5, 1, len(times)) * np.where(right, 1, 0.7)
    return rows


if __name__ == "__main__":
    print(simulate_season(Path(sys.argv[1]), seed=0))
