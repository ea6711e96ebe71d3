"""Files of pictures: the ending says the format, and each is written whole or not at all."""

from collections.abc import Sequence
from pathlib import Path

from aurorapt.errors import OptionError
from aurorapt.machine.whole_files import WriteError, write_whole
from aurorapt.results.classifications import cannot_write


def check_ending(path: Path, endings: Sequence[str], option: str = "--output") -> str:
    """Give the format that a file's name says, such as png.

    Raises
    ------
    OptionError
        If it says none of ``endings``.
    """
    ending = path.suffix.lstrip(".").lower()
    if ending not in endings:
        wanted = " or ".join(f".{name}" for name in endings)
        raise OptionError(f"{option} {path} has no ending that says a format; end it in {wanted}")
    return ending


def write_picture(path: Path, content: bytes) -> None:
    """Write a picture's file, in a folder that is made where it is missing.

    Raises
    ------
    ResultsError
        If it cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole({path: content})
    except WriteError as error:
        raise cannot_write(f"write {error.filename}", error) from None
    except OSError as error:
        raise cannot_write(f"make folder {path.parent}", error) from None
