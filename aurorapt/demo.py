"""The whole program shown on a simulated night whose truth is known."""

import shutil
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from time import monotonic

from aurorapt.archive.camera_nights import CameraNight, camera_nights
from aurorapt.errors import AuroraptError, OptionError
from aurorapt.pictures.figures import load_matplotlib, save_figure
from aurorapt.pictures.keogram import read_keogram
from aurorapt.pictures.night_data import read_one_night
from aurorapt.pictures.night_plot import night_bins, plot_night
from aurorapt.pictures.report.build import write_report
from aurorapt.pictures.report.cache import cache_path
from aurorapt.pictures.report.page import load_jinja2, load_plotly_script
from aurorapt.results.classifications import csv_path, read_rows
from aurorapt.run.pipeline import classify
from aurorapt.simulation.simulated_archive import TRUTH_NAME, Truth, simulate_archive
from aurorapt.weights.location import simulated_weights

SITES = ("gill", "fsim")  # neither is among the sites the default weights were trained on
NIGHT = date(2014, 3, 10)  # one UT date holds the whole night of both
SEED = 2
MINUTES_PER_HOUR = 4  # sampled over the night, to stay within a minute or two
WORTH = (
    "sky and weights come from one simulator: these figures say that the program works, not what its labels are worth\n"
    "on real nights the labels of the published weights agree with a human's on 63 % of frames (README)"
)
NO_PICTURES = "no pictures: pip install 'aurorapt[plot]'; aurorapt plot then draws these results too"
NO_REPORT = "no report: pip install 'aurorapt[report]'; aurorapt report then makes a page of these results too"
REMARK = "simulated frames, with their truth: no real night"
MARKER = ".aurorapt-demo"  # in a folder that a demo made and may therefore empty


@dataclass
class CameraReport:
    """What was found on one camera: frames per true class and class found; no picture where matplotlib is not there."""

    site: str
    csv_file: Path
    picture: Path | None
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)


@dataclass
class DemoReport:
    """What a demo found.

    ``recall`` is the share of each true class's frames that were found to be of it; ``page`` is the report, None where
    what makes it is not there.
    """

    classes: tuple[str, ...]
    cameras: list[CameraReport]
    page: Path | None
    seconds: float

    @property
    def confusion(self) -> Counter[tuple[str, str]]:
        total: Counter[tuple[str, str]] = Counter()
        for camera in self.cameras:
            total += camera.confusion
        return total

    @property
    def accuracy(self) -> float:
        confusion = self.confusion
        right = sum(count for (truth, found), count in confusion.items() if truth == found)
        return right / max(confusion.total(), 1)

    @property
    def recall(self) -> dict[str, float]:
        confusion = self.confusion
        totals = {name: sum(confusion[name, found] for found in self.classes) for name in self.classes}
        return {name: confusion[name, name] / total for name, total in totals.items() if total}

    def table(self) -> str:
        """Say what was found against the truth, where the results are, and what the figures are worth."""
        lines = [f"{'true class':14}{'frames':>8}{'found':>8}{'recall':>8}"]
        confusion = self.confusion
        for name, recall in self.recall.items():
            frames = sum(confusion[name, found] for found in self.classes)
            lines.append(f"{name:14}{frames:8}{confusion[name, name]:8}{recall:8.3f}")
        lines.append(f"accuracy {self.accuracy:.3f} of {confusion.total()} frames, in {self.seconds:.0f} s")
        for camera in self.cameras:
            lines.append(f"{camera.site}: {camera.csv_file}" + (f" and {camera.picture}" if camera.picture else ""))
        if not all(camera.picture for camera in self.cameras):
            lines.append(NO_PICTURES)
        lines.append(f"report of both, to open in a browser: {self.page}" if self.page else NO_REPORT)
        return "\n".join([*lines, WORTH])


def run_demo(output: Path, say: Callable[[str], None]) -> DemoReport:
    """Simulate a short night of two cameras, classify it, and compare with the truth.

    Parameters
    ----------
    output : folder that is new, empty, or from an earlier demo
    say : called with a line at each step

    Raises
    ------
    OptionError
        If ``output`` holds something else.
    AuroraptError
        If the night cannot be simulated or classified.
    """
    started = monotonic()
    _empty(output)
    stream0, results = output / "stream0", output / "results"
    say(f"simulating the night of {NIGHT} at {' and '.join(SITES)} ...")
    count = simulate_archive(stream0, NIGHT, NIGHT, SITES, SEED, MINUTES_PER_HOUR)
    say(f"classifying {count} minutes, 20 frames each ...")
    weights = simulated_weights()
    summary = classify(NIGHT, NIGHT, stream0=stream0, output=results, weights=weights)
    if not summary.succeeded:
        raise AuroraptError("the simulated night could not be classified")
    truth = Truth(stream0 / TRUTH_NAME)
    cameras = [_report(output, night, truth) for night in camera_nights(stream0, NIGHT, NIGHT)]
    classes = tuple(dict.fromkeys(name for camera in cameras for pair in sorted(camera.confusion) for name in pair))
    page = _write_page(output)
    return DemoReport(tuple(sorted(classes)), cameras, page, round(monotonic() - started, 1))


def _empty(output: Path) -> None:
    try:
        if output.is_dir() and (output / MARKER).is_file():
            for name in ("stream0", "results"):
                shutil.rmtree(output / name, ignore_errors=True)
            for site in SITES:
                _picture(output, site).unlink(missing_ok=True)
            for file in (_page(output), cache_path(_page(output))):
                file.unlink(missing_ok=True)
        elif output.exists() and (not output.is_dir() or any(output.iterdir())):
            raise OptionError(f"--output {output} is there already, and not from a demo; name a new folder")
        output.mkdir(parents=True, exist_ok=True)
        (output / MARKER).touch()
    except OSError as error:
        raise OptionError(f"--output {output} cannot be used: {error.strerror}") from None


def _report(output: Path, night: CameraNight, truth: Truth) -> CameraReport:
    csv_file = csv_path(output / "results", night)
    rows = read_rows(csv_file)
    true_classes = [truth.at(night.site, time) for time in rows["time"].tolist()]
    confusion = Counter(zip(true_classes, rows["prediction_str"].tolist(), strict=True))
    return CameraReport(night.site, csv_file, _draw(output, night, csv_file, true_classes), confusion)


def _draw(output: Path, camera: CameraNight, csv_file: Path, true_classes: Sequence[str]) -> Path | None:
    """Draw a night with its truth; give None where matplotlib, which is an extra, is not there."""
    try:
        load_matplotlib()
    except OptionError:
        return None
    night = read_one_night(csv_file, _refuse)
    bins = night_bins(night)
    picture = _picture(output, camera.site)
    save_figure(plot_night(night, read_keogram(camera, bins), bins, true_classes, REMARK), picture)
    return picture


def _write_page(output: Path) -> Path | None:
    """Make the report of all nights; give None where what makes it, an extra, is not there."""
    try:
        load_jinja2()
        load_plotly_script()
    except OptionError:
        return None
    write_report(output / "results", _page(output), output / "stream0")
    return _page(output)


def _page(output: Path) -> Path:
    return output / "report.html"


def _picture(output: Path, site: str) -> Path:
    return output / f"{site}.png"


def _refuse(path: Path, reason: str) -> None:
    raise AuroraptError(f"{path}: {reason}")
