"""The notebooks, each run from top to bottom on little simulated data, as a user runs them who has none."""

import shutil
from pathlib import Path

import pytest

nbclient = pytest.importorskip("nbclient", reason="the extra test brings nbclient and ipykernel")
nbformat = pytest.importorskip("nbformat")

EXAMPLES = Path(__file__).resolve().parent.parent.parent / "scripts" / "examples"
# so that they take seconds: what a notebook says of the amount of its simulated data, and what is said here
SHORTER = {
    "classify_and_plot_a_night": ("minutes_per_hour = 60", "minutes_per_hour = 2"),
    "compare_with_published_labels": ("nights = 4", "nights = 1"),
    "events_of_a_season": ("nights = 10", "nights = 1"),
}
PICTURES = {"classify_and_plot_a_night": 2, "compare_with_published_labels": 0, "events_of_a_season": 1}


def test_every_notebook_is_run_here() -> None:
    assert sorted(SHORTER) == sorted(path.stem for path in EXAMPLES.glob("*.ipynb"))


@pytest.mark.parametrize("name", sorted(SHORTER))
def test_nothing_that_a_notebook_gave_is_stored(name: str) -> None:
    notebook = nbformat.read(EXAMPLES / f"{name}.ipynb", as_version=4)
    nbformat.validate(notebook)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert all(not cell.outputs and cell.execution_count is None for cell in cells)


@pytest.mark.parametrize("name", sorted(SHORTER))
def test_a_notebook_runs(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("AURORAPT_WEIGHTS", "AURORAPT_STREAM0"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("PYTHONPATH", str(EXAMPLES.parent.parent))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / "ipython"))
    for path in EXAMPLES.iterdir():
        if path.is_file():
            shutil.copy(path, tmp_path)
    text = (tmp_path / f"{name}.ipynb").read_text()
    assert SHORTER[name][0] in text
    notebook = nbformat.reads(text.replace(*SHORTER[name]), as_version=4)
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}})
    client.execute()
    kinds = [kind for cell in notebook.cells for output in cell.get("outputs", []) for kind in output.get("data", {})]
    assert "text/html" in kinds
    assert kinds.count("image/png") == PICTURES[name]
