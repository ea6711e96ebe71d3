"""Times of day as users write them."""

import re

from aurorapt.errors import OptionError

CLOCK_TIME = re.compile(r"([01]?\d|2[0-4]):([0-5]\d)(?::([0-5]\d))?", re.ASCII)
DAY = 86400  # seconds


def parse_clock_time(text: str, option: str) -> int:
    """Read a time such as 06:30 or 06:30:15 as seconds after midnight; 24:00 is the day's end.

    Raises
    ------
    OptionError
        If it is none.
    """
    match = CLOCK_TIME.fullmatch(text.strip())
    seconds = (
        sum(int(part or 0) * unit for part, unit in zip(match.groups(), (3600, 60, 1), strict=True)) if match else -1
    )
    if not 0 <= seconds <= DAY:
        raise OptionError(f"{option} {text!r} is not a time of day; write it like 06:30 or 06:30:15, UT")
    return seconds
