"""What a run did, in numbers."""

from dataclasses import dataclass, field


@dataclass
class Summary:
    """What a run did.

    ``camera_nights`` found are ``written``, ``current`` (nothing to do) or ``failed``; ``redone`` counts by their
    reason those written that had been done before; ``rows`` are those written; ``problems`` are files and frames that
    could not be used.
    """

    camera_nights: int = 0
    written: int = 0
    current: int = 0
    failed: int = 0
    redone: dict[str, int] = field(default_factory=dict)
    frames: int = 0
    rows: int = 0
    problems: int = 0
    seconds: float = 0.0
    frames_per_second: float = 0.0

    @property
    def succeeded(self) -> bool:
        """Whether at least one camera-night was found and each one found has its CSV."""
        return self.camera_nights > 0 and self.failed == 0
