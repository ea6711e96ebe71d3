"""The import directions, as the table in CONTRIBUTING.md states them, held to the source."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "aurorapt"
FORBIDDEN_EVERYWHERE = {"convert", "scripts", "h5py", "keras", "tensorflow", "cv2", "tests"}
# of rooms that otherwise may load torch
OTHERS_WITHOUT_TORCH = (
    *("engine.choices", "run.options", "run.run_summary", "run.run_log", "run.progress", "run.open_night"),
    *("cli.main", "cli.app", "cli.convert"),
)
ROW = re.compile(r"\| ((?:`[\w./]+`(?:, )?)+) \| (.+) \| (.+) \|")
NAME = re.compile(r"`(\w+)(?:/|\.py)`")


def room(path: Path) -> str:
    """Give the folder, or the file, of the package that a module belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def table() -> list[tuple[list[str], str, str]]:
    """Give the rooms, what is said of them, and what they may import, row by row."""
    text = (ROOT / "CONTRIBUTING.md").read_text()
    return [(NAME.findall(row[1]), row[2], row[3]) for row in map(ROW.fullmatch, text.splitlines()) if row]


def permitted() -> dict[str, set[str]]:
    """Give, for each room, all rooms that it may import."""
    rooms: dict[str, set[str]] = {}
    for names, _, cell in table():
        named = set(rooms) if cell == "all" else set(NAME.findall(cell))
        assert named <= rooms.keys(), f"{names} may import only what stands above it, not {named - rooms.keys()}"
        reachable = named.union(*(rooms[name] for name in named))
        if "errors" in rooms:
            reachable.add("errors")
        for name in names:
            rooms[name] = reachable
    return rooms


def imports(path: Path) -> Iterator[str]:
    """Give the full name of everything that a file imports, at any depth, also within functions."""
    package = ("aurorapt", *path.relative_to(PACKAGE).parent.parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) + 1 - node.level]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def rooms_imported(path: Path) -> set[str]:
    """Give the rooms that a file imports from; the package's own names, such as its version, are no room."""
    names = [name.split(".") for name in imports(path)]
    parts = [name[1] for name in names if name[0] == "aurorapt" and len(name) > 1]
    return {part for part in parts if (PACKAGE / part).is_dir() or (PACKAGE / f"{part}.py").is_file()}


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def test_every_room_stands_in_the_table_and_every_row_is_there() -> None:
    rooms = {room(path) for path in modules()} - {"__init__", "__main__"}
    assert sorted(permitted()) == sorted(rooms)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_go_up_the_table(path: Path) -> None:
    assert not FORBIDDEN_EVERYWHERE & {name.removeprefix("aurorapt.").split(".")[0] for name in imports(path)}
    if path.parent == PACKAGE and path.name in ("__init__.py", "__main__.py"):
        return
    own = room(path)
    assert rooms_imported(path) - {own} <= permitted()[own]


def test_only_the_command_line_loads_the_converter_and_only_when_asked() -> None:
    """By its name as text, as no import says: in a clone it lies outside the package."""
    named = {path.relative_to(PACKAGE) for path in modules() if '"aurorapt.convert' in path.read_text()}
    assert named == {Path("cli/convert.py")}


def test_no_two_rooms_import_each_other() -> None:
    needs: dict[str, set[str]] = {}
    for path in modules():
        if path.name not in ("__init__.py", "__main__.py"):
            needs.setdefault(room(path), set()).update(rooms_imported(path) - {room(path)})
    assert len(list(TopologicalSorter(needs).static_order())) >= len(needs)  # raises on a cycle


def test_what_needs_no_torch_does_not_load_it() -> None:
    free = {name for names, what, _ in table() if "no torch" in what.lower() for name in names}
    names = [".".join(path.relative_to(PACKAGE).with_suffix("").parts) for path in modules() if room(path) in free]
    code = (
        "import importlib, sys\n"
        "for name in sys.argv[1:]:\n"
        "    importlib.import_module(f'aurorapt.{name}'.removesuffix('.__init__'))\n"
        "    assert 'torch' not in sys.modules, name\n"
        "    assert not {'convert', 'aurorapt.convert', 'h5py'} & set(sys.modules), name\n"
    )
    assert len(names) > 30
    subprocess.run([sys.executable, "-c", code, *names, *OTHERS_WITHOUT_TORCH], check=True, cwd=ROOT)


def test_the_public_names_are_there_and_load_torch_only_when_it_is_needed() -> None:
    code = (
        "import sys, aurorapt\n"
        "aurorapt.read_classifications, aurorapt.__version__\n"
        "assert 'torch' not in sys.modules\n"
        "aurorapt.Classifier, aurorapt.classify\n"
        "assert all(callable(getattr(aurorapt, name)) for name in aurorapt.__all__ if name != '__version__')\n"
        "assert callable(aurorapt.classify), 'a folder must not hide the function'\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
