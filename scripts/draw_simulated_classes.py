"""Draw weights/simulated_classes.png: simulated frames of each class, as the network sees them after equalisation."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from aurorapt.images.preprocess import equalize
from aurorapt.simulation.observatory import SimulatedCamera
from aurorapt.themis import CLASSES
from aurorapt.themis_sites import SITES

PICTURE = Path(__file__).resolve().parent.parent / "weights" / "simulated_classes.png"
COLUMNS = 6
SIZE = 160  # pixels, both ways, of one frame
FIRST_DAY, DAYS = datetime(2012, 1, 1), 5 * 365
FIRST_SEED = 4000  # of worlds that neither training nor testing uses
WELL_INSIDE = timedelta(minutes=3)  # an episode, so that no cross-fade is shown


def moments_of(name: str, random: np.random.Generator) -> Iterator[tuple[SimulatedCamera, datetime]]:
    """Find cameras and times at which a class is seen, one in each world."""
    seed = FIRST_SEED
    while True:
        camera = SimulatedCamera(str(random.choice(list(SITES))), seed)
        seed += 1
        time = FIRST_DAY + timedelta(days=float(random.uniform(0, DAYS)))
        for _ in range(300):
            time += timedelta(minutes=37)
            around = (time - WELL_INSIDE, time, time + WELL_INSIDE)
            if camera.is_dark(time) and all(camera.class_at(moment) == name for moment in around):
                yield camera, time
                break


def main() -> None:
    random = np.random.default_rng(12)
    picture = Image.new("L", (COLUMNS * SIZE, len(CLASSES) * SIZE))
    draw = ImageDraw.Draw(picture)
    for row, name in enumerate(CLASSES):
        for column, (camera, time) in zip(range(COLUMNS), moments_of(name, random), strict=False):
            frame = Image.fromarray(equalize(camera.expose(time)[None])[0])
            picture.paste(frame.resize((SIZE, SIZE), Image.Resampling.LANCZOS), (column * SIZE, row * SIZE))
        draw.text((4, (row + 1) * SIZE - 14), name, 255)
    picture.save(PICTURE, optimize=True)


if __name__ == "__main__":
    main()
