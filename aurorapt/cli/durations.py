"""Durations as they are written on the command line."""

import re

from aurorapt.errors import OptionError

UNITS = {"s": 1, "m": 60, "h": 3600}
LONGEST = 86400  # seconds


def parse_duration(text: str, option: str) -> int:
    """Give the seconds of a duration such as 90s, 10m or 2h.

    Raises
    ------
    OptionError
        Naming the option, where it is none, or longer than a day.
    """
    match = re.fullmatch(r"(\d{1,5})([smh])", text.strip(), re.ASCII)
    seconds = int(match[1]) * UNITS[match[2]] if match else LONGEST + 1
    if seconds > LONGEST:
        raise OptionError(f"{option} {text!r} is not a duration up to a day; write it as 90s, 10m or 2h")
    return seconds
