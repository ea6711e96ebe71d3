"""Find pulsating aurora in THEMIS all-sky camera archives."""

import importlib
import logging
from typing import Any

__version__ = "0.1.0"
__all__ = ["Classifier", "__version__", "classify", "read_classifications"]

logging.getLogger(__name__).addHandler(logging.NullHandler())

# loaded when first used, so that reading a CSV does not load torch
_HOMES = {
    "Classifier": "aurorapt.classifier",
    "classify": "aurorapt.run",
    "read_classifications": "aurorapt.results",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
