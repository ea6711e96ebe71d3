"""Facts of the THEMIS all-sky cameras and of what is said of their frames."""

from datetime import timedelta

FRAME_SIZE = 256  # pixels, both ways
FRAMES_PER_MINUTE = 20  # about once an hour a minute has 19
CADENCE = timedelta(seconds=3)  # between two frames

CLASSES = ("bad_viewing", "no_aurora", "other_aurora", "pulsating")  # of the published network, in its order
MOST_CLASSES = 127  # of any network: class numbers are read back as int8
LONGEST_CLASS_NAME = 32  # characters
