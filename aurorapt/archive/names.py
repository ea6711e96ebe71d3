"""What the names of an archive's folders and files look like."""

import re

CAMERA_FOLDER = re.compile(r"(?P<site>[a-z0-9]+)_(?P<device>themis\d*)", re.IGNORECASE)
DOWNLOAD_FOLDER = "THEMIS_ASI_RAW"  # what PyAuroraX and PyUCalgarySRS put above the years
YEAR = re.compile(r"\d{4}", re.ASCII)

# YYYYMMDD_HHMM[SS[_ffffff]]_SITE_DEVICE[_NNNms]_full[_NNNms]; other modes, averages and darks are no minutes
MINUTE_FILE = re.compile(
    r"(?P<name>(?P<minute>\d{8}_\d{4})(?:\d\d(?:_\d{6})?)?_(?P<camera>[a-z0-9]+_themis\d*)(?:_\d+ms)?_full(?:_\d+ms)?)"
    r"\.pgm(?:\.gz|\.bz2)?",
    re.IGNORECASE | re.ASCII,
)
