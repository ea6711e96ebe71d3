from pathlib import Path

import pytest

from aurorapt.errors import WeightsError
from aurorapt.weights import location
from aurorapt.weights.location import find_weights


@pytest.fixture
def empty_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have no default weights and no environment variable."""
    folder = tmp_path / "defaults"
    folder.mkdir()
    monkeypatch.setattr(location, "FOLDERS", (folder,))
    monkeypatch.delenv("AURORAPT_WEIGHTS", raising=False)
    return folder


def test_finds_the_first_that_there_is(empty_defaults: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ("simulated.safetensors", "cnn_0524.safetensors")
    for name in names:
        (empty_defaults / name).touch()
        assert find_weights() == empty_defaults / name
    for name in ("variable", "option"):
        (tmp_path / name).touch()
    monkeypatch.setenv("AURORAPT_WEIGHTS", str(tmp_path / "variable"))
    assert find_weights() == tmp_path / "variable"
    assert find_weights(tmp_path / "option") == tmp_path / "option"
    monkeypatch.setenv("AURORAPT_WEIGHTS", "")
    assert find_weights() == empty_defaults / names[1]


def test_names_the_option_when_there_are_none(empty_defaults: Path) -> None:
    with pytest.raises(WeightsError, match="--weights FILE or AURORAPT_WEIGHTS") as caught:
        find_weights()
    assert "python -m convert" in str(caught.value)


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
