"""Identity of files by git's blob id, and the ids of the files that the original's authors published."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

COMMIT = "91506da11d907b0d5a8089dae0b2f4127c831e57"
REPOSITORY = "https://github.com/GarryGao00/themis_video_generator"  # MIT licence
BASE_URL = f"https://raw.githubusercontent.com/GarryGao00/themis_video_generator/{COMMIT}/CNN_model/"

MODEL, LABELS, ELEVATION = "model/CNN_0524.model", "model/lb_4c.pickle", "T_angle.npy"
PUBLISHED_BLOBS: Mapping[str, str] = {
    MODEL: "e24f5dffc4c2b907450c5eb4068d8c959f75465c",
    LABELS: "ace101c46403243393354c22092f16fa430cee8d",
    ELEVATION: "20e839d3961d17aaf0b0913192a47af7a14b2867",
}


def blob_id(path: Path) -> str:
    """Give git's id of a file: SHA-1 of ``blob``, a space, the size in decimal, a zero byte and the content."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    return digest.hexdigest()
