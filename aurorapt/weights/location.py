"""Where weights files lie: the one that is asked for, else a default."""

import os
from pathlib import Path

from platformdirs import user_data_path

from aurorapt.errors import OptionError, WeightsError

ENVIRONMENT_VARIABLE = "AURORAPT_WEIGHTS"
_PACKAGE = Path(__file__).parent.parent
_INSTALLED = _PACKAGE / "default_weights"  # what an installed package carries of the clone's folder
FOLDERS = (
    _INSTALLED if _INSTALLED.is_dir() else _PACKAGE.parent / "weights",
    user_data_path("aurorapt", appauthor=False) / "weights",
)
CONVERTED_NAME = "converted.safetensors"
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
    for name in (CONVERTED_NAME, PUBLISHED_NAME, SIMULATED_NAME):
        for folder in weights_folders():
            if (folder / name).is_file():
                return folder / name
    raise WeightsError(
        f"no weights file: none of {CONVERTED_NAME}, {PUBLISHED_NAME} and {SIMULATED_NAME} is in "
        f"{' or '.join(map(str, weights_folders()))}; name one with --weights FILE or {ENVIRONMENT_VARIABLE}, "
        "or make one with aurorapt convert"
    )


def weights_folders() -> tuple[Path, ...]:
    """Give the folders that may hold default weights, the one where new ones are written first.

    That is the clone's or the package's own folder, or, where that is not writable, one among the user's data.
    """
    own = FOLDERS[0]
    return FOLDERS if os.access(own, os.W_OK) else FOLDERS[::-1]


def default_output(kind: str) -> Path:
    """Give the file to write weights to so that they are a default, in a folder that is there then.

    Parameters
    ----------
    kind : of the weights: ``published`` or ``converted``

    Raises
    ------
    OptionError
        If the folder cannot be made.
    """
    folder = weights_folders()[0]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OptionError(f"{folder} cannot be made: {error.strerror}; name a file with --output") from None
    return folder / (PUBLISHED_NAME if kind == "published" else CONVERTED_NAME)


def simulated_weights() -> Path:
    """Find the weights that were trained on simulated frames and come with aurorapt.

    Raises
    ------
    WeightsError
        If they are missing.
    """
    path = FOLDERS[0] / SIMULATED_NAME
    if path.is_file():
        return path
    raise WeightsError(f"{SIMULATED_NAME} is missing from {FOLDERS[0]}; get the whole clone, or install aurorapt again")


def _existing(path: Path, source: str) -> Path:
    try:
        path = path.expanduser()
        path.stat()  # `is_file` of Python 3.14 tells of no error, such as a name that is too long
        if path.is_file():
            return path
    except (FileNotFoundError, NotADirectoryError):
        pass
    except OSError as error:
        raise WeightsError(f"{source} {path!s:.300} cannot be read: {error.strerror}") from None
    except RuntimeError:
        raise WeightsError(f"{source} {path!s:.300}: there is no such user; write the path without ~") from None
    fault = "is a folder" if path.is_dir() else "is not a file" if path.exists() else "does not exist"
    raise WeightsError(f"{source} {path} {fault}; it must name a weights file (.safetensors)")
