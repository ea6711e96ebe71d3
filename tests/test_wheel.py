"""What is built: a wheel with every module and the default weights, a source archive with all of the clone."""

import email
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

from aurorapt import __version__
from tests.command_line import clean_environment
from tests.convert.tiny_keras import write_folder

ROOT = Path(__file__).resolve().parent.parent


def files(folder: str, *endings: str) -> set[str]:
    """Give the clone's files below a folder, relative to the clone."""
    found = (path for path in (ROOT / folder).rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in found if not endings or path.suffix in endings}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build both, the wheel from the source archive as installers do."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run([*build, "-t", "sdist"], cwd=ROOT, check=True, capture_output=True)
    (archive,) = folder.glob("*.tar.gz")
    with tarfile.open(archive) as opened:
        opened.extractall(folder)
    source = folder / f"aurorapt-{__version__}"
    subprocess.run([*build, "-t", "wheel"], cwd=source, check=True, capture_output=True)
    return folder


def test_a_wheel_holds_every_module_the_converter_and_the_default_weights(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    modules = files("aurorapt", ".py") | {f"aurorapt/{name}" for name in files("convert", ".py", ".md")}
    assert len(modules) > 80
    others = ("py.typed", "default_weights/simulated.safetensors", "science/smoothing_model.json")
    page = files("aurorapt/pictures/report/template")
    assert {Path(name).suffix for name in page} == {".j2", ".css", ".js"}
    assert names == modules | page | {f"aurorapt/{name}" for name in others}


def test_a_source_archive_holds_what_set_up_and_tests_need(built: Path) -> None:
    source = built / f"aurorapt-{__version__}"
    wanted = files("tests") | files("convert") | files("scripts") | files("weights", ".md", ".png")
    wanted |= {"constraints.txt", "weights/simulated.safetensors", "CONTRIBUTING.md", "LICENSE", ".ci/run"}
    assert not {name for name in wanted if not (source / name).is_file()}
    assert (source / "scripts" / "bootstrap").stat().st_mode & 0o111


def test_the_readme_of_a_package_index_links_to_nothing_that_is_not_there(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    metadata = zipfile.ZipFile(wheel).read(f"aurorapt-{__version__}.dist-info/METADATA").decode()
    text = email.message_from_string(metadata).get_payload()
    assert isinstance(text, str)
    links = re.findall(r"\]\(([^)]+)\)", text)
    assert "Measured (`scripts/README.md` in the source)" in " ".join(text.split())
    assert [link for link in links if not link.startswith(("https://", "#"))] == []


@pytest.mark.parametrize("place", ["wheel", "clone"])
def test_the_command_converts_to_weights_that_are_the_default(built: Path, tmp_path: Path, place: str) -> None:
    """From the wheel alone, in any folder; from a clone as well, in whose folder nothing can be written here."""
    package = tmp_path / place
    if place == "wheel":
        zipfile.ZipFile(next(built.glob("*.whl"))).extractall(package)
    else:
        shutil.copytree(built / f"aurorapt-{__version__}", package)
    write_folder(tmp_path / "CNN_model")
    (tmp_path / "convert.py").write_text("raise SystemExit('somebody else's module')")
    environment = clean_environment() | {"PYTHONPATH": str(package), "XDG_DATA_HOME": str(tmp_path / "data")}

    def command(*arguments: str) -> str:
        run = [sys.executable, "-m", "aurorapt", *arguments]
        return subprocess.run(
            run, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True, timeout=300
        ).stdout

    said = command("convert", "CNN_model")
    (made,) = tmp_path.rglob("converted.safetensors")
    assert re.search(rf"path +{re.escape(str(made))}\ndefault +yes\n", said)
    assert str(made) in command("weights")
    assert "aurorapt convert [OPTIONS]" in command("convert", "--help")


def test_an_editable_install_is_found_from_the_folder_above_the_clone(tmp_path: Path) -> None:
    """There, the clone's own folder has the package's name, and is none."""
    pytest.importorskip("editables")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel:editable", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    zipfile.ZipFile(next(tmp_path.glob("*.whl"))).extractall(tmp_path / "site")
    assert not (tmp_path / "site" / "aurorapt").exists()
    (tmp_path / "aurorapt").symlink_to(ROOT)
    code = f"import site; site.addsitedir({str(tmp_path / 'site')!r}); import aurorapt; print(aurorapt.__version__)"
    environment = {name: value for name, value in clean_environment().items() if name != "PYTHONPATH"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, env=environment, check=True, capture_output=True, text=True)
    assert done.stdout == f"{__version__}\n"
