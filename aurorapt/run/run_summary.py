"""What a run did, in numbers."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import monotonic


@dataclass
class Summary:
    """What a run did.

    ``weights_name`` and ``weights_kind`` say what classified. ``camera_nights`` found are ``written``, ``current``
    (nothing to do) or ``failed``; ``redone`` counts by their reason those written that had been done before, ``kept``
    those failed whose results were too good to be replaced. ``rows`` are those written. ``problems`` are files and
    frames that could not be used, and ``unread`` those of them, files or folders, that may be readable another time.
    ``sites_not_found`` were asked for and have no camera folder in the whole range; ``sites_there`` have one then.
    """

    weights_name: str = ""
    weights_kind: str = ""
    camera_nights: int = 0
    written: int = 0
    current: int = 0
    failed: int = 0
    redone: dict[str, int] = field(default_factory=dict)
    frames: int = 0
    rows: int = 0
    problems: int = 0
    unread: int = 0
    kept: dict[str, int] = field(default_factory=dict)
    sites_not_found: list[str] = field(default_factory=list)
    sites_there: list[str] = field(default_factory=list)
    seconds: float = 0.0
    frames_per_second: float = 0.0

    @property
    def succeeded(self) -> bool:
        """Whether a camera-night was found, each one found has its CSV, and another run could bring nothing more."""
        return self.camera_nights > 0 and self.failed == 0 and self.unread == 0

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Note how long the work within took, also where an error ends it."""
        started = monotonic()
        try:
            yield
        finally:
            self.seconds = round(monotonic() - started, 3)
            if self.seconds:
                self.frames_per_second = round(self.frames / self.seconds, 2)

    def add(self, part: "Summary") -> None:
        """Add what was counted elsewhere of this run."""
        for name in ("written", "current", "failed", "frames", "rows", "problems", "unread"):
            setattr(self, name, getattr(self, name) + getattr(part, name))
        for reason, count in part.redone.items():
            self.redone[reason] = self.redone.get(reason, 0) + count
        for reason, count in part.kept.items():
            self.kept[reason] = self.kept.get(reason, 0) + count

    def note_sites(self, asked: Collection[str], there: Collection[str]) -> None:
        """Compare the sites that were asked for with those that the whole range has."""
        self.sites_not_found = sorted(set(asked) - set(there))
        self.sites_there = sorted(there) if self.sites_not_found else []

    def missing_sites(self) -> str:
        """Say which sites were not found, and which there are."""
        there = f"; sites there: {', '.join(self.sites_there)}" if self.sites_there else ", nor of any other site"
        return f"no camera folder of {', '.join(self.sites_not_found)} on these dates{there}"
