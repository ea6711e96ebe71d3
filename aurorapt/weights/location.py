"""Where weights files lie: the one that is asked for, else a default."""

import os
from pathlib import Path

from aurorapt.errors import WeightsError

ENVIRONMENT_VARIABLE = "AURORAPT_WEIGHTS"
# the clone's folder, and what an installed package carries of it
_PACKAGE = Path(__file__).parent.parent
FOLDERS = (_PACKAGE.parent / "weights", _PACKAGE / "default_weights")
PUBLISHED_NAME = "cnn_0524.safetensors"
SIMULATED_NAME = "simulated.safetensors"


def find_weights(option: Path | None = None) -> Path:
    """Choose the weights file: the option, else the environment, else the default files.

    Raises
    ------
    WeightsError
        If the chosen file is missing or not a plain file, or if there is none to choose.
    """
    environment = os.environ.get(ENVIRONMENT_VARIABLE)
    if option is not None:
        return _existing(Path(option), "--weights")
    if environment:
        return _existing(Path(environment), ENVIRONMENT_VARIABLE)
    for name in (PUBLISHED_NAME, SIMULATED_NAME):
        for folder in FOLDERS:
            if (folder / name).is_file():
                return folder / name
    raise WeightsError(
        f"no weights file: neither {PUBLISHED_NAME} nor {SIMULATED_NAME} is in {FOLDERS[0]}; "
        f"name one with --weights FILE or {ENVIRONMENT_VARIABLE}, or make one with python -m convert"
    )


def simulated_weights() -> Path:
    """Find the weights that were trained on simulated frames and come with aurorapt.

    Raises
    ------
    WeightsError
        If they are missing.
    """
    for folder in FOLDERS:
        if (folder / SIMULATED_NAME).is_file():
            return folder / SIMULATED_NAME
    raise WeightsError(f"{SIMULATED_NAME} is missing from {FOLDERS[0]}; get the whole clone, or install aurorapt again")


def _existing(path: Path, source: str) -> Path:
    try:
        path = path.expanduser()
        if path.is_file():
            return path
    except OSError as error:
        raise WeightsError(f"{source} {path!s:.300} cannot be read: {error.strerror}") from None
    except RuntimeError:
        raise WeightsError(f"{source} {path!s:.300}: there is no such user; write the path without ~") from None
    fault = "is a folder" if path.is_dir() else "is not a file" if path.exists() else "does not exist"
    raise WeightsError(f"{source} {path} {fault}; it must name a weights file (.safetensors)")
