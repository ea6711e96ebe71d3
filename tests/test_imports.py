"""The design's import directions, read from the source."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "aurorapt"
FORBIDDEN_EVERYWHERE = {"convert", "scripts", "h5py", "keras", "tensorflow", "cv2", "tests"}
WITHOUT_TORCH = (
    *("errors", "archive", "time_limit", "minute_file", "frames", "preprocess"),
    *("attributes", "operations", "graph", "weights", "weights_location", "options"),
    *("companion", "results", "locks", "camera_night", "summary", "verify", "plots", "simulate", "run_log"),
    "freed_memory",
)
# each module imports only from those that stand before it
ORDER = (
    *("errors", "interruption", "archive", "time_limit", "minute_file", "frames", "preprocess"),
    *("attributes", "operations", "graph", "weights", "weights_location", "options"),
    *("activations", "layers", "network", "fusion", "fused_layers", "winograd", "streams", "engine", "classifier"),
    *("companion", "results", "progress", "summary", "freed_memory"),
    *(
        "dataset",
        "supervisor",
        "locks",
        "camera_night",
        "pending_nights",
        "run",
        "verify",
        "plots",
        "simulate",
        "demo",
        "run_log",
        "cli",
        "__main__",
    ),
)


def imported(name: str) -> set[str]:
    """Modules that a module of the package imports, wherever in it the import stands."""
    tree = ast.parse((PACKAGE / f"{name}.py").read_text())
    modules: set[str] = set()
    for statement in ast.walk(tree):
        if isinstance(statement, ast.Import):
            modules.update(alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module:
            modules.add(statement.module)
            modules.update(f"{statement.module}.{alias.name}" for alias in statement.names)
    return modules


@pytest.mark.parametrize("name", sorted(path.stem for path in PACKAGE.glob("*.py")))
def test_nothing_outside_the_package_is_imported(name: str) -> None:
    assert not {module.partition(".")[0] for module in imported(name)} & FORBIDDEN_EVERYWHERE


@pytest.mark.parametrize("name", WITHOUT_TORCH)
def test_these_rooms_do_without_torch(name: str) -> None:
    assert "torch" not in {module.partition(".")[0] for module in imported(name)}
    code = f"import sys, aurorapt.{name}; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("name", ORDER)
def test_imports_point_one_way(name: str) -> None:
    before = {f"aurorapt.{module}" for module in ORDER[: ORDER.index(name)]}
    rooms = {f"aurorapt.{module}" for module in ORDER}
    assert imported(name) & rooms <= before
