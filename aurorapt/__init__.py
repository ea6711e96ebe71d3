"""Find pulsating aurora in THEMIS all-sky camera archives."""

import importlib
import logging
import os
from typing import Any

__version__ = "0.1.0"
__all__ = [
    "Classifier",
    "Night",
    "__version__",
    "classify",
    "find_events",
    "iter_classifications",
    "read_classifications",
    "read_rows",
]

# Idle OpenMP threads that spin fight the loader's workers for processors: 4 against 18 frames/s where one more process
# ran on 2 cores. libgomp reads this when torch is loaded, so it has to be said before.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

logging.getLogger(__name__).addHandler(logging.NullHandler())

# loaded when first used, so that reading a CSV does not load torch
_HOMES = {
    "Classifier": "aurorapt.classifier",
    "Night": "aurorapt.pictures.one_night",
    "classify": "aurorapt.run.pipeline",
    "find_events": "aurorapt.science.found_events",
    "iter_classifications": "aurorapt.science.table",
    "read_classifications": "aurorapt.science.table",
    "read_rows": "aurorapt.results.classifications",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return list(__all__)
