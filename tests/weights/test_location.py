import os
from pathlib import Path

import pytest

from aurorapt.errors import OptionError, WeightsError
from aurorapt.weights import location
from aurorapt.weights.location import default_output, find_weights, simulated_weights


@pytest.fixture
def empty_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have no default weights and no environment variable; the user's folder is not there yet."""
    folder = tmp_path / "defaults"
    folder.mkdir()
    monkeypatch.setattr(location, "FOLDERS", (folder, tmp_path / "user" / "weights"))
    monkeypatch.delenv("AURORAPT_WEIGHTS", raising=False)
    return folder


def test_finds_the_first_that_there_is(empty_defaults: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("simulated.safetensors", "cnn_0524.safetensors", "converted.safetensors")
    for name in names:
        (empty_defaults / name).touch()
        assert find_weights() == empty_defaults / name
    for name in ("variable", "option"):
        (tmp_path / name).touch()
    monkeypatch.setenv("AURORAPT_WEIGHTS", str(tmp_path / "variable"))
    assert find_weights() == tmp_path / "variable"
    assert find_weights(tmp_path / "option") == tmp_path / "option"
    monkeypatch.setenv("AURORAPT_WEIGHTS", "")
    assert find_weights() == empty_defaults / names[-1]


def test_names_the_option_when_there_are_none(empty_defaults: Path) -> None:
    with pytest.raises(WeightsError, match="--weights FILE or AURORAPT_WEIGHTS") as caught:
        find_weights()
    assert "aurorapt convert" in str(caught.value)


@pytest.mark.parametrize("writable", [True, False])
@pytest.mark.parametrize("kind", ["published", "converted"])
def test_what_is_made_is_a_default_also_where_the_package_is_not_writable(
    empty_defaults: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writable: bool, kind: str
) -> None:
    """A file of that name in the other folder, be it a system's or from another day, does not come first."""
    monkeypatch.setattr(os, "access", lambda path, mode: writable and Path(path) == empty_defaults)
    folders = (empty_defaults, tmp_path / "user" / "weights")
    (empty_defaults / "simulated.safetensors").touch()
    made = default_output(kind)
    assert made.parent == folders[0 if writable else 1]
    for folder in folders:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / made.name).touch()
    assert find_weights() == made
    made.unlink()
    assert find_weights().name == made.name
    assert simulated_weights() == empty_defaults / "simulated.safetensors"


def test_a_folder_that_cannot_be_made_is_said(
    empty_defaults: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda *_: False)
    (tmp_path / "user").touch()
    with pytest.raises(OptionError, match="cannot be made: Not a directory; name a file with --output"):
        default_output("converted")


@pytest.mark.parametrize(("name", "complaint"), [("nowhere", "does not exist"), ("folder", "is a folder")])
def test_names_what_is_wrong_with_the_choice(
    name: str, complaint: str, empty_defaults: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(WeightsError, match=f"--weights .*{complaint}"):
        find_weights(tmp_path / name)
    monkeypatch.setenv("AURORAPT_WEIGHTS", str(tmp_path / name))
    with pytest.raises(WeightsError, match=f"AURORAPT_WEIGHTS .*{complaint}"):
        find_weights()
