"""What the README says of tests and options must be there."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from aurorapt.cli.main import app

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
TESTS = (ROOT / "tests" / "README.md").read_text()


@pytest.mark.parametrize(("file", "test"), sorted(set(re.findall(r"`([\w/]*test_\w+\.py)::(test_\w+)`", TESTS))))
def test_each_test_that_is_named_exists(file: str, test: str) -> None:
    assert re.search(rf"^def {test}\(", (ROOT / "tests" / file).read_text(), re.MULTILINE)


def test_every_option_of_classify_is_told() -> None:
    shown = CliRunner().invoke(app, ["classify", "--help"]).output
    options = set(re.findall(r"--[a-z][a-z0-9-]+", shown)) - {"--help"}
    assert len(options) > 10
    assert set(re.findall(r"^\| `(--[a-z0-9-]+)", README, re.MULTILINE)) == options
