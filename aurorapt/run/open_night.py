"""A camera-night on its way through the run: what has come of it so far, and the results in the end."""

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import datetime
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from aurorapt import __version__
from aurorapt.archive.camera_nights import CameraNight, NightListing, Problem
from aurorapt.machine.locks import Lock
from aurorapt.results import classifications
from aurorapt.results.companion import Companion
from aurorapt.run.options import RunOptions


@dataclass
class OpenNight:
    """A camera-night that is being classified.

    ``reason`` : why it is done, as `aurorapt.results.tree.Result.why_stale` says
    ``waiting`` : frames that are not with the network yet, and their times
    ``times``, ``probabilities`` : of the frames that are classified
    ``salvaged`` : times of frames of damaged files
    """

    night: CameraNight
    listing: NightListing
    lock: Lock
    reason: str
    started: float = field(default_factory=monotonic)
    minutes_done: int = 0
    waiting: list[tuple[datetime, NDArray[np.uint8]]] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    probabilities: list[NDArray[np.float32]] = field(default_factory=list)
    salvaged: list[datetime] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)

    @property
    def share_done(self) -> float:
        """Share of the minute files that have come, 0 to 1."""
        return self.minutes_done / max(len(self.listing.minute_files), 1)

    def write(self, options: RunOptions) -> Companion:
        """Write the CSV and its companion.

        Raises
        ------
        ResultsError
            If a file cannot be written.
        """
        rows = self._rows(options.weights.classes)
        text = classifications.csv_text(rows, datetime.now())
        companion = self._companion(options, rows, classifications.sha256_of_text(text))
        classifications.write_results(classifications.csv_path(options.output, self.night), text, companion)
        return companion

    def _rows(self, classes: tuple[str, ...]) -> NDArray[np.void]:
        probabilities = np.array(self.probabilities, dtype=np.float32).reshape(-1, len(classes))
        return classifications.one_row_per_second(
            self.times, probabilities.argmax(axis=1), probabilities.max(axis=1), classes
        )

    def _companion(self, options: RunOptions, rows: NDArray[np.void], csv_sha256: str) -> Companion:
        weights = options.weights
        counts = Counter(rows["prediction_str"].tolist())
        salvaged = {time.replace(microsecond=0) for time in self.salvaged}.intersection(rows["time"].tolist())
        return Companion(
            aurorapt_version=__version__,
            camera_night=str(self.night),
            weights_name=weights.name,
            weights_kind=weights.kind,
            weights_sha256=weights.sha256,
            precision=options.precision,
            salvage=options.salvage,
            classes=list(weights.classes),
            input_files=self.listing.file_count,
            input_bytes=self.listing.size_bytes,
            fingerprint=self.listing.fingerprint,
            frames=len(self.times),
            rows=len(rows),
            counts={name: counts[name] for name in weights.classes},
            salvaged_rows=[f"{time:%Y-%m-%d %H:%M:%S}" for time in sorted(salvaged)],
            problems=[asdict(problem) for problem in self.listing.problems + self.problems],
            seconds=round(monotonic() - self.started, 3),
            csv_sha256=csv_sha256,
        )
