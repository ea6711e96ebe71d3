"""What an installed package holds: every module, the default weights and the smoothing, no tests."""

import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def test_a_wheel_holds_every_module_and_the_default_weights(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    modules = {str(path.relative_to(ROOT)) for path in (ROOT / "aurorapt").rglob("*.py")}
    assert len(modules) > 60
    others = ("py.typed", "default_weights/simulated.safetensors", "science/smoothing_model.json")
    assert names == modules | {f"aurorapt/{name}" for name in others}
