"""The page as text: whole, self-contained, and never made of what files say."""

import base64
import hashlib
import json
import re
import sys
import zlib
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest

from aurorapt.errors import OptionError
from aurorapt.pictures.report.build import write_report
from aurorapt.pictures.report.document import page_data
from aurorapt.pictures.report.page import load_plotly_script, render_page
from aurorapt.pictures.report.records import NightRecord
from tests.pictures.report.example_tree import EVENING, write_tree

pytest.importorskip("jinja2")
pytest.importorskip("plotly")
HOSTILE = "</script><img/src=x/onerror=alert(1)>\u2028\u2029&amp;"


class Elements(HTMLParser):
    """All start tags with their attributes, and the content of each script."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(("/" + tag, {}))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] == "script":
            self.scripts[-1] += data


@pytest.fixture(scope="module")
def hostile_page() -> str:
    record = NightRecord(
        ("20200218", f"gill_{HOSTILE}"),
        HOSTILE,
        "2020-02-18",
        (HOSTILE,),
        weights=("hash", HOSTILE, HOSTILE),
        made_by=(HOSTILE, HOSTILE, False),
        faults=[(HOSTILE, HOSTILE)],
    )
    return render_page(page_data([record], HOSTILE, datetime(2020, 1, 1)), [HOSTILE], HOSTILE)


def test_nothing_that_files_say_becomes_markup(hostile_page: str) -> None:
    quiet = Elements(hostile_page.replace("alert(1)", "").replace("onerror", ""))
    elements = Elements(hostile_page)
    assert [tag for tag, _ in elements.tags] == [tag for tag, _ in quiet.tags]
    assert not {"img", "iframe", "object", "embed"} & {tag for tag, _ in elements.tags}
    assert sum(tag == "script" for tag, _ in elements.tags) == 6
    assert "\u2028" not in "".join(elements.scripts)
    assert "&lt;/script&gt;&lt;img/src=x/onerror=alert(1)&gt;" in hostile_page  # in the heading
    index = json.loads(elements.scripts[1])
    assert (index["name"], index["sites"], index["faults"]) == (HOSTILE, [HOSTILE], [[0, HOSTILE, HOSTILE]])


def test_the_page_asks_the_network_for_nothing_and_runs_no_other_script(hostile_page: str) -> None:
    elements = Elements(hostile_page)
    links = [
        value
        for _, attributes in elements.tags
        for name, value in attributes.items()
        if name in ("src", "href", "action", "data", "srcset", "poster")
    ]
    assert links == ["data:,"]
    (policy,) = [attributes["content"] for tag, attributes in elements.tags if attributes.get("http-equiv")]
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy and "script-src 'unsafe-inline'" not in policy and "http" not in policy
    for script in (elements.scripts[-1], load_plotly_script()):
        assert base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() in policy
    assert not re.search(r"https?:|fetch\(|XMLHttpRequest|innerHTML|eval\(", elements.scripts[-1])


def test_the_charting_library_is_whole_and_its_licence_is_there(hostile_page: str) -> None:
    packed = Elements(hostile_page).scripts[0]
    assert zlib.decompress(base64.b64decode(packed), -zlib.MAX_WBITS).decode() == load_plotly_script()
    assert re.search(r"<!--[^>]*plotly\.js v[^>]*MIT license", hostile_page)


@pytest.mark.parametrize(("package", "name"), [("jinja2", "Jinja2"), ("plotly.offline", "plotly")])
def test_a_missing_package_is_said_before_anything_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, name: str
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(OptionError, match=rf"a report needs {name}: pip install 'aurorapt\[report\]'"):
        write_report(tmp_path, tmp_path / "report.html")
    assert not list(tmp_path.iterdir())


def test_thousands_of_nights_fit_into_the_page(tmp_path: Path) -> None:
    (path,) = write_tree(tmp_path / "in", "gill_themis19", "2020-02-18T06:00:00", *EVENING, (600, "no_aurora"))
    small = write_report(tmp_path / "in", tmp_path / "one.html").size
    for number in range(4):
        write_tree(tmp_path / "in", "gill_themis19", f"2020-03-1{number}T06:00:00", *EVENING, (600, "no_aurora"))
    a_night = (write_report(tmp_path / "in", tmp_path / "five.html").size - small) / 4
    assert small < 2_500_000
    assert small + 5000 * a_night < 15_000_000
    assert path.exists()
