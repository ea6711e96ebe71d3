"""A camera-night on its way through the run: what has come of it so far, and the results in the end."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from time import monotonic

import numpy as np
from numpy.typing import NDArray

from aurorapt import __version__
from aurorapt.archive.camera_nights import CameraNight, Problem
from aurorapt.archive.night_listing import NightListing
from aurorapt.errors import ResultsError, counted
from aurorapt.images.texture import texture
from aurorapt.machine.locks import Lock
from aurorapt.results import classifications
from aurorapt.results.beside import probabilities_path, texture_path
from aurorapt.results.companion import Companion, RecordedProblem
from aurorapt.results.probabilities import probabilities_text
from aurorapt.results.texture_file import texture_text
from aurorapt.run.options import RunOptions
from aurorapt.run.worth import refuse_fewer_rows


@dataclass
class OpenNight:
    """A camera-night that is being classified.

    ``reason`` : why it is done, as `aurorapt.results.tree.Result.why_stale` says
    ``waiting`` : frames that are not with the network yet, with their times and files
    ``times``, ``files``, ``probabilities`` : of the frames that are classified
    ``not_finite`` : times of the frames for which the network gave no probabilities
    ``salvaged`` : times of frames of damaged files
    ``block_times``, ``block_means`` : of all frames, as `aurorapt.loader.dataset.PreparedMinute` holds them; None where
        no texture is asked for
    """

    night: CameraNight
    listing: NightListing
    lock: Lock
    reason: str
    started: float = field(default_factory=monotonic)
    minutes_done: int = 0
    waiting: list[tuple[datetime, str, NDArray[np.uint8]]] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    not_finite: list[datetime] = field(default_factory=list)
    probabilities: list[NDArray[np.float32]] = field(default_factory=list)
    salvaged: list[datetime] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    block_times: list[datetime] = field(default_factory=list)
    block_means: list[NDArray[np.float32]] | None = None

    @property
    def share_done(self) -> float:
        """Share of the minute files that have come, 0 to 1."""
        return self.minutes_done / max(len(self.listing.minute_files), 1)

    def write(self, options: RunOptions) -> Companion:
        """Write the CSV and its companion.

        Raises
        ------
        ResultsError
            If a file cannot be written, or what stands there is better than what would replace it.
        """
        rows, places = self._rows(options.weights.classes)
        csv_file = classifications.csv_path(options.output, self.night)
        self._refuse_what_is_worse(options, len(rows))
        text = classifications.csv_text(rows, datetime.now())
        companion = self._companion(options, rows, classifications.sha256_of_text(text))
        classifications.write_results(csv_file, text, companion, self._beside(options, csv_file, rows, places))
        return companion

    @property
    def unread(self) -> int:
        """Files and folders that could not be read now, and may be another time."""
        return sum(problem.may_pass for problem in self.listing.problems + self.problems)

    def _beside(
        self, options: RunOptions, csv_file: Path, rows: NDArray[np.void], places: NDArray[np.intp]
    ) -> dict[Path, str | None]:
        """Make what is asked for beside the CSV, and None for what is not: an older run's would not belong to it."""
        vectors = self._vectors(options.weights.classes)[places]
        text = probabilities_text(rows["time"], vectors, options.weights.classes) if options.probabilities else None
        return {probabilities_path(csv_file): text, texture_path(csv_file): self._texture_text(rows)}

    def _texture_text(self, rows: NDArray[np.void]) -> str | None:
        """Render the texture at each row, whose frames include those that the network said nothing of."""
        if self.block_means is None:
            return None
        if not len(rows):
            return texture_text(rows["time"], np.empty((0, 3)))
        exact = np.array(self.block_times, dtype="datetime64[us]")
        order = np.argsort(exact, kind="stable")
        means = np.concatenate(self.block_means)[order]
        found = np.stack(texture((exact[order] - exact.min()) / np.timedelta64(1, "s"), means), axis=1)
        last = np.searchsorted(exact[order].astype("datetime64[s]"), rows["time"], side="right") - 1
        return texture_text(rows["time"], found[last])

    def _vectors(self, classes: tuple[str, ...]) -> NDArray[np.float32]:
        """Give (n, classes) float32 [frame, class]."""
        return np.array(self.probabilities, dtype=np.float32).reshape(-1, len(classes))

    def _rows(self, classes: tuple[str, ...]) -> tuple[NDArray[np.void], NDArray[np.intp]]:
        """Make the rows, and give the place of each one's frame."""
        probabilities = self._vectors(classes)
        labels, confidences = probabilities.argmax(axis=1), probabilities.max(axis=1)
        rows, without_row = classifications.one_row_per_second(self.times, labels, confidences, classes)
        for file, count in Counter(self.files[place] for place in without_row).items():
            reason = f"{counted(count, 'frame')} without a row: a frame read later has the same second"
            self.problems.append(Problem(file, reason, count=count))
        if self.not_finite:
            reason = f"the network returned NaN or infinity for {counted(len(self.not_finite), 'frame')}"
            reason += f", the first at {min(self.not_finite)}"
            self.problems.append(Problem(str(self.night.folder), reason, count=len(self.not_finite)))
        places = np.setdiff1d(np.arange(len(self.times)), without_row)
        seconds = np.array(self.times, dtype="datetime64[s]")
        return rows, places[np.argsort(seconds[places])]

    def _refuse_what_is_worse(self, options: RunOptions, rows: int) -> None:
        """Refuse to write what only another run, or other weights, can make good."""
        if self.not_finite and not self.times:
            raise ResultsError("the network returned NaN or infinity for every frame; are these weights sound?")
        if not self.unread:
            return
        unread = f"{counted(self.unread, 'file or folder', 'files or folders')} could not be read now"
        if not self.times and all(problem.may_pass for problem in self.problems):
            raise ResultsError(f"{unread}, and no frame could")
        refuse_fewer_rows(options, self.night, rows, unread)

    def _companion(self, options: RunOptions, rows: NDArray[np.void], csv_sha256: str) -> Companion:
        weights = options.weights
        counts = Counter(rows["prediction_str"].tolist())
        salvaged = {time.replace(microsecond=0) for time in self.salvaged}.intersection(rows["time"].tolist())
        return Companion(
            aurorapt_version=__version__,
            camera_night=str(self.night),
            weights_name=weights.name,
            weights_kind=weights.kind,
            weights_identity=weights.identity,
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
            problems=[_recorded(problem) for problem in self.listing.problems + self.problems],
            seconds=round(monotonic() - self.started, 3),
            csv_sha256=csv_sha256,
        )


def _recorded(problem: Problem) -> RecordedProblem:
    return {"file": problem.file, "reason": problem.reason, "may_pass": problem.may_pass, "count": problem.count}
