"""Packages that only one of the extras of the installation brings."""

import importlib
from typing import Any

from aurorapt.errors import OptionError


def load_extra(module: str, extra: str, need: str) -> Any:
    """Load a module that one of the extras brings.

    Parameters
    ----------
    need : what needs which package, to begin the error with

    Raises
    ------
    OptionError
        If the package is not installed, or cannot be loaded.

    Examples
    --------
    >>> jinja2 = load_extra("jinja2", "report", "a report needs Jinja2")
    """
    package = module.partition(".")[0]
    try:
        importlib.import_module(package)
        return importlib.import_module(module)
    except ImportError as error:
        missing = isinstance(error, ModuleNotFoundError) and error.name == package
        cause = "" if missing else f" ({error})"
        raise OptionError(f"{need}: pip install 'aurorapt[{extra}]'{cause}") from None
