"""Packages of the extras: loaded, or asked for by the extra that brings them."""

import sys
from pathlib import Path

import pytest

from aurorapt.errors import OptionError
from aurorapt.machine.extras import load_extra


def test_what_is_there_is_loaded() -> None:
    import html.parser

    assert load_extra("html.parser", "report", "a report needs html") is html.parser


@pytest.mark.parametrize("module", ["no_such_package", "no_such_package.part"])
def test_what_is_not_there_is_asked_for(module: str) -> None:
    with pytest.raises(OptionError) as error:
        load_extra(module, "report", "a report needs this")
    assert str(error.value) == "a report needs this: pip install 'aurorapt[report]'"


def test_of_what_is_there_but_broken_the_cause_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "broken_package.py").write_text("import no_such_package\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(OptionError) as error:
        load_extra("broken_package", "report", "a report needs this")
    assert str(error.value).endswith("pip install 'aurorapt[report]' (No module named 'no_such_package')")
    assert "broken_package" not in sys.modules
