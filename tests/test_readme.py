"""What the documents say of tests, options, scripts and versions must be there, and README must stay short."""

import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

import aurorapt.cli.commands  # which adds the commands
from aurorapt.cli.app import app

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
TESTS = (ROOT / "tests" / "README.md").read_text()
SCRIPTS = (ROOT / "scripts" / "README.md").read_text()
DOCUMENTS = (
    "README.md",
    "CONTRIBUTING.md",
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("*/README.md")),
    *sorted(str(path.relative_to(ROOT)) for path in ROOT.glob("aurorapt/*/README.md")),
)
MOST_WORDS = 1600  # what a physicist reads in five minutes


def first_column(section: str) -> list[str]:
    """Give the names in the first column of the section's tables."""
    return re.findall(r"^\| `([\w.-]+)` \|", section, re.MULTILINE)


def heading_anchors(document: Path) -> set[str]:
    """Give the anchors that a Markdown document's headings get."""
    headings = re.findall(r"^#+ (.+)", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_readme_is_read_in_five_minutes() -> None:
    assert len(README.split()) <= MOST_WORDS


@pytest.mark.parametrize(("file", "test"), sorted(set(re.findall(r"`([\w/]*test_\w+\.py)::(\w+)`", TESTS))))
def test_each_test_that_is_named_exists(file: str, test: str) -> None:
    assert re.search(rf"^(?:def|class) {test}\b", (ROOT / "tests" / file).read_text(), re.MULTILINE)


def test_every_option_of_classify_is_told() -> None:
    shown = CliRunner().invoke(app, ["classify", "--help"]).output
    options = set(re.findall(r"--[a-z][a-z0-9-]+", shown)) - {"--help"}
    assert len(options) > 10
    assert set(re.findall(r"^\| `(--[a-z0-9-]+)", README, re.MULTILINE)) == options


def test_every_command_is_told() -> None:
    for command in app.registered_commands:
        assert command.callback is not None
        name = command.name or command.callback.__name__
        assert re.search(rf"(?:`|^    )aurorapt {name}\b", README, re.MULTILINE), name


def test_every_script_is_told() -> None:
    scripts = {path.name for path in (ROOT / "scripts").iterdir() if path.is_file()} - {"README.md"}
    assert sorted(first_column(SCRIPTS.partition("## How to measure")[0])) == sorted(scripts)


def test_every_subcommand_of_the_benchmark_is_told() -> None:
    source = "".join((ROOT / "scripts" / name).read_text() for name in ("benchmark.py", "benchmark_cluster.py"))
    subcommands = re.findall(r'^@(?:app|commands)\.command\((?:"([\w-]+)")?\)\ndef (\w+)', source, re.MULTILINE)
    assert len(subcommands) == source.count("@app.command") + source.count("@commands.command")
    told = first_column(SCRIPTS.partition("## How to measure")[2].partition("## What was measured")[0])
    assert sorted(told) == sorted(named or function.replace("_", "-") for named, function in subcommands)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_within_the_project_lead_somewhere(name: str) -> None:
    document = ROOT / name
    for target in re.findall(r"\]\((?!https?:)([^)]+)\)", document.read_text()):
        file, _, anchor = target.partition("#")
        linked = document.parent / file if file else document
        assert linked.exists(), target
        assert not anchor or anchor in heading_anchors(linked), target


def test_the_version_to_cite_is_this_one() -> None:
    assert re.search(
        rf"^version: {re.escape(aurorapt.__version__)}$", (ROOT / "CITATION.cff").read_text(), re.MULTILINE
    )
    assert f"\n## {aurorapt.__version__}, " in (ROOT / "CHANGELOG.md").read_text()
