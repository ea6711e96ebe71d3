"""The page in a browser: what a reader does with mouse, keyboard and address, and that it keeps to itself."""

import csv
import io
import json
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from aurorapt.pictures.report.build import write_report
from tests.command_line import aurorapt_here
from tests.pictures.report.browser import Browser, chromium
from tests.pictures.report.example_tree import EVENING, describe, write_tree
from tests.science.example_nights import write_file

pytest.importorskip("jinja2")
pytest.importorskip("plotly")
HOSTILE = "<img src=x onerror=window.hacked=1>"
CAMERA = "<img&quot;onerror=hacked=1>"  # as a companion may have it
PROBLEM = "</script><script>window.hacked=1</script>"
GILL = "20200218/gill_themis19"


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Nights of four cameras: one across midnight, one short, one that says what it should not, one not to be used."""
    tree = tmp_path_factory.mktemp("results") / HOSTILE
    write_tree(
        tree, "gill_themis19", "2020-02-18T21:00:00", (100, "no_aurora"), (120, "pulsating"), (60, "bad_viewing")
    )
    write_tree(tree, "fsmi_themis10", "2020-03-18T06:00:00", *EVENING)
    (path,) = write_tree(tree, "rank_themis16", "2018-11-18T06:00:00", (100, "pulsating"), (3, ""), (80, "no_aurora"))
    problems = [{"file": HOSTILE, "reason": PROBLEM, "may_pass": False, "count": 3}]
    describe(path, CAMERA, weights_name=HOSTILE, weights_kind="simulated", problems=problems)
    write_file(tree / "20200301_snkq_themis_classifications.txt", ["nonsense"])
    return tree


@pytest.fixture(scope="module")
def page(tree: Path) -> Path:
    page = tree.parent / "report.html"
    write_report(tree, page)
    return page


@pytest.fixture(scope="module")
def shared_browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("downloads")) as started:
        yield started


@pytest.fixture
def browser(shared_browser: Browser) -> Iterator[Browser]:
    """Give a browser; at the end of each test it has complained of nothing and asked the network for nothing."""
    shared_browser.complaints.clear()
    yield shared_browser
    shared_browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})
    shared_browser.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
    assert shared_browser.look() == []
    assert {url.partition(":")[0] for url in shared_browser.requests} <= {"file", "data", "blob", "about"}
    assert shared_browser.script("return window.hacked") is None


def shown(browser: Browser) -> str:
    return browser.text("#shown")


def click_cell(browser: Browser, row: str, day: str) -> None:
    """Click a night of the calendar, as a mouse would."""
    from selenium.webdriver import ActionChains

    browser.wait("seasons[0].drawn")
    plot, x, y = browser.script(
        """
        const one = seasons.find(({rows}) => rows.some(({name, nights}) => name === arguments[0]
          && nights.some(({day}) => day === arguments[1])));
        one.plot.scrollIntoView({block: "center"});
        if (!one.drawn) drawSeason(one);
        const {xaxis, yaxis} = one.plot._fullLayout, box = one.plot.getBoundingClientRect();
        const x = xaxis._offset + xaxis.l2p(Date.parse(arguments[1]) + 43200000);
        const y = yaxis._offset + yaxis.l2p(one.rows.findIndex(({name}) => name === arguments[0]) + 0.35);
        return [one.plot, Math.round(x - box.width / 2), Math.round(y - box.height / 2)]""",
        row,
        day,
    )
    ActionChains(browser.driver).move_to_element_with_offset(plot, x, y).click().perform()


def test_a_click_opens_a_night_and_back_and_forward_work(browser: Browser, page: Path) -> None:
    browser.open(page)
    assert "5 of 5 camera-nights" in shown(browser)
    click_cell(browser, "gill", "2020-02-18")
    browser.wait("document.querySelector('#night-chart .main-svg')")
    assert browser.text("#night-heading") == "Gillam (gill), 2020-02-18 UT"
    assert browser.script("return location.hash") == "#night=20200218%2Fgill_themis19"
    words = browser.text("#night-text")
    for word in ("3.00 h, 3,600 frames", "w (converted)", "no aurora", "pulsating", "22:", "None."):
        assert word in words
    browser.click("#later")
    browser.wait("document.querySelector('#night-heading').textContent.includes('2020-02-19')")
    browser.driver.back()
    browser.wait("document.querySelector('#night-heading').textContent.includes('2020-02-18')")
    browser.driver.back()
    browser.wait("document.querySelector('#night').hidden")
    browser.driver.forward()
    browser.wait("!document.querySelector('#night').hidden")


def test_the_keyboard_opens_a_night_and_closes_it(browser: Browser, page: Path) -> None:
    from selenium.webdriver.common.keys import Keys

    browser.open(page)
    browser.wait("seasons[0].drawn")
    for _ in range(30):
        browser.press(Keys.TAB)
        if browser.script("return document.activeElement.className").startswith("season-plot"):
            break
    assert browser.text("#pointed") == "fsmi (Fort Smith) 2020-03-18: 60 min pulsating in 3.5 h observed"
    assert browser.script("return seasons[0].plot.layout.shapes.length") == 1
    browser.press(Keys.ARROW_DOWN, Keys.ARROW_LEFT)
    assert browser.text("#pointed").startswith("gill (Gillam) 2020-02-18: ")
    browser.press(Keys.ENTER)
    browser.wait("document.activeElement.id === 'night-heading'")
    assert "2020-02-18" in browser.text("#night-heading")
    browser.press(Keys.ESCAPE)
    browser.wait(
        "document.querySelector('#night').hidden && document.activeElement.className.startsWith('season-plot')"
    )
    assert browser.text("#pointed").startswith("gill (Gillam) 2020-02-18: ")


def test_filters_filter_and_are_in_the_address(browser: Browser, page: Path) -> None:
    browser.open(page)
    everything = shown(browser)
    browser.choose("#min", "110")
    browser.wait("location.hash === '#min=110'")
    assert "1 of 5 camera-nights" in shown(browser)
    browser.choose("#class", "no_aurora")
    browser.wait("location.hash.includes('class=no_aurora')")
    browser.choose("#from", "2020-03-01")
    browser.wait("location.hash.includes('from=2020-03-01')")
    assert "0 of 5 camera-nights" in shown(browser)
    browser.choose("#min", "10")
    browser.wait("!location.hash.includes('min=')")
    assert "2 of 5 camera-nights" in shown(browser)
    browser.click("#site-filter summary")
    browser.click("#site-boxes input[value='fsmi']")  # which takes it away
    browser.wait("location.hash.includes('site=')")
    assert "1 of 5 camera-nights" in shown(browser)
    browser.click("#reset")
    browser.wait("location.hash === '#' || location.hash === ''")
    assert shown(browser) == everything


def test_a_link_leads_to_a_filter_and_a_night(browser: Browser, page: Path) -> None:
    browser.open(page, f"#site=gill,fsmi&to=2020-03-01&class=pulsating&min=60&sort=-start&night={GILL}")
    browser.wait("document.querySelector('#night-text dl')")
    assert "1 of 5 camera-nights" in shown(browser)
    assert "2020-02-18" in browser.text("#night-heading")
    assert (
        browser.script("return document.querySelector('#to').value + document.querySelector('#min').value")
        == "2020-03-0160"
    )
    browser.go("#night=20200218/nowhere&site=nowhere&min=-1&class=nothing&from=yesterday")
    assert browser.text("#night-note") == "This report has no camera-night 20200218/nowhere."
    assert "5 of 5 camera-nights" in shown(browser)


def test_tables_are_sorted_by_any_column(browser: Browser, page: Path) -> None:
    browser.open(page, "#class=no_aurora")
    columns, states = browser.driver.execute_async_script(
        """
        const done = arguments[0], states = [];
        const headings = () => [...document.querySelectorAll("#events-table th")];
        const columns = headings().map((heading) => heading.textContent);
        (async () => {
          for (const column of columns.flatMap((name) => [name, name])) {
            const followed = new Promise((resolve) => addEventListener("hashchange", resolve, {once: true}));
            headings().find((heading) => heading.textContent === column).firstChild.click();
            await followed;
            const sorted = headings().filter(({ariaSort}) => ariaSort !== "none");
            states.push(sorted.map(({textContent, ariaSort}) => [textContent, ariaSort]));
          }
          done([columns, states]);
        })();"""
    )
    assert len(columns) == 22
    assert states == [[[name, state]] for name in columns for state in ("ascending", "descending")]
    browser.go("#sort=-duration_min&order=expected_pulsating_min")
    durations = browser.script("return EVENT_TABLE.rows.map((event) => event.duration_min)")
    assert durations == sorted(durations, reverse=True)
    assert browser.script("return NIGHT_TABLE.rows.at(-1).site") == "snkq"  # of which nothing is known


def test_downloads_are_what_is_shown_and_what_the_command_writes(
    browser: Browser, page: Path, tree: Path, tmp_path: Path
) -> None:
    browser.open(page)
    for class_name in ("pulsating", "no_aurora"):
        aurorapt_here("events", tree, "-o", tmp_path / "events.csv", "--class", class_name)
        browser.go(f"#class={class_name}")
        assert browser.download("#download-events", "events.csv") == (tmp_path / "events.csv").read_text()
    aurorapt_here("events", tree, "-o", tmp_path / "events.csv", "--min-duration", "110m")
    browser.go("#min=110")
    assert browser.download("#download-events", "events.csv") == (tmp_path / "events.csv").read_text()
    rows = list(csv.DictReader(io.StringIO(browser.download("#download-nights", "camera_nights.csv"))))
    assert [(row["date"], row["camera"], row["frames"]) for row in rows] == [("2020-02-18", "gill_themis19", "3600")]


def test_events_of_the_published_files_are_those_of_the_command(
    browser: Browser, shared_folder: Path, tmp_path: Path
) -> None:
    write_report(shared_folder / "published", tmp_path / "report.html")
    aurorapt_here("events", shared_folder / "published", "-o", tmp_path / "events.csv")
    browser.open(tmp_path / "report.html")
    assert browser.download("#download-events", "events.csv") == (tmp_path / "events.csv").read_text()


def test_what_files_say_stays_text(browser: Browser, page: Path) -> None:
    browser.open(page)
    browser.script("go({night: NIGHTS.find((night) => night.site === 'rank').id})")
    browser.wait("document.querySelector('#night-text dl')")
    words = browser.text("#night-text")
    assert f"{HOSTILE} (simulated)" in words
    assert f"{HOSTILE}: {PROBLEM} (3 frames)" in words
    assert CAMERA in words
    assert browser.text("h1") == f"Pulsating aurora in {HOSTILE}"
    assert "Weights trained on simulated frames: for trying the tool, not for science." in words
    assert "1 of these camera-nights were classified with weights trained on simulated frames" in browser.text("#notes")
    assert "20200301_snkq_themis_classifications.txt: " in browser.text("#problem-lists")
    browser.script("layOut(true); layOut(false)")
    assert browser.driver.find_elements("css selector", "img, body script[src]") == []


def test_dark_print_and_narrow_screens(browser: Browser, page: Path) -> None:
    browser.open(page, f"#night={GILL}")
    browser.wait("document.querySelector('#night-chart .main-svg')")
    ink = "return getComputedStyle(document.querySelector('#night-chart .xtick text')).fill"
    light = browser.script(ink)
    dark = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", dark)
    browser.wait(f"({ink.removeprefix('return ')}) !== '{light}'")
    assert len(browser.driver.execute_cdp_cmd("Page.printToPDF", {})["data"]) > 10_000
    size = {"width": 360, "height": 800, "deviceScaleFactor": 1, "mobile": True}
    browser.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.wait("document.documentElement.scrollWidth === 360")
    browser.wait("document.querySelector('#night-chart .main-svg').clientWidth < 360")
    browser.wait("document.querySelector('#night .scroller')")
    classes = "const one = document.querySelector('#night .scroller'); return one.scrollWidth - one.clientWidth"
    assert browser.script(classes) == 0, "the classes of a night need no scrolling"
    reached = "(one) => one.tabIndex === 0 || one.querySelector('[tabindex]')"
    assert browser.script(f"return [...document.querySelectorAll('.scroller')].every({reached})"), (
        "what scrolls can be scrolled from the keyboard"
    )


def test_a_screen_reader_is_told_what_each_part_is(browser: Browser, page: Path) -> None:
    browser.open(page, f"#night={GILL}")
    browser.wait("document.querySelector('#night-text dl')")
    nameless = browser.script(
        """
        const named = (node) => node.ariaLabel || node.textContent.trim() || node.labels?.[0]?.textContent.trim();
        const parts = "button, select, input, a[href], [role=application], [role=img], [role=region]";
        return [...document.querySelectorAll(parts)].filter((node) => !named(node)).map((node) => node.outerHTML)"""
    )
    assert nameless == []
    assert browser.script("return document.documentElement.lang") == "en"
    assert "pulsating in 3.0 h observed" in browser.script("return document.querySelector('#night-chart').ariaLabel")
    tables = "return [...document.querySelectorAll('table')].every((table) => table.caption && table.tHead)"
    assert browser.script(tables)


def test_a_minute_between_gaps_has_its_probability_drawn(browser: Browser, tmp_path: Path) -> None:
    parts = ((5, "no_aurora"), (5, ""), (1, "no_aurora"), (5, ""), (5, "no_aurora"))
    write_tree(tmp_path / "in", "gill_themis19", "2020-02-18T06:00:00", *parts)
    write_report(tmp_path / "in", tmp_path / "report.html")
    browser.open(tmp_path / "report.html", f"#night={GILL}")
    browser.wait("document.querySelector('#night-chart .main-svg')")
    lines = "return document.querySelector('#night-chart').data.filter(({mode, stackgroup}) => mode && !stackgroup)"
    one = browser.script(lines)[0]
    points = list(zip(one["x"], one["y"], strict=True))
    spans = [[start, end] for (start, low), (end, high) in pairwise(points) if low is not None and high is not None]
    minute = 1582005600000 + 10 * 60_000  # 06:10
    assert [minute, minute + 60_000] in spans
    assert not any(start < minute - 60_000 < end for start, end in spans), "nothing is drawn across a gap"


def test_a_night_without_frames_is_no_data(browser: Browser, tmp_path: Path) -> None:
    write_tree(tmp_path / "in", "gill_themis19", "2020-02-18T06:00:00", (30, "no_aurora"))
    write_file(tmp_path / "in" / "20200219_gill_themis_classifications.txt", [])
    write_report(tmp_path / "in", tmp_path / "report.html")
    browser.open(tmp_path / "report.html")
    browser.wait("seasons[0].drawn")
    drawn = "return seasons[0].plot.data.map(({z}) => z.flat().filter((value) => value !== null).length)"
    assert browser.script(drawn) == [1, 1], "minutes and hours of the one night that has frames"


@pytest.mark.parametrize("nights", [0, 1])
def test_few_nights_and_none_are_no_trouble(browser: Browser, tmp_path: Path, nights: int) -> None:
    (tmp_path / "in").mkdir()
    if nights:
        write_tree(tmp_path / "in", "gill_themis19", "2020-02-18T06:00:00", *EVENING)
    write_report(tmp_path / "in", tmp_path / "report.html")
    browser.open(tmp_path / "report.html")
    if not nights:
        assert "No results yet." in browser.text("#summary")
        assert "This folder holds no results yet." in browser.text("#seasons")
        return
    assert "1 camera-night of 1 site" in browser.text("#summary")
    click_cell(browser, "gill", "2020-02-18")
    browser.wait("document.querySelector('#night-chart .main-svg')")


@pytest.mark.slow
def test_five_thousand_nights_open_within_three_seconds_of_work(browser: Browser, tree: Path, tmp_path: Path) -> None:
    from datetime import date, datetime, timedelta

    from aurorapt.pictures.report.collect import collect
    from aurorapt.pictures.report.document import page_data
    from aurorapt.pictures.report.page import render_page
    from aurorapt.science.stretches import find_night_files
    from aurorapt.themis_sites import SITES

    (known,) = [known for known, _ in collect(find_night_files([tree]), {}) if known.record.site == "fsmi"]
    records = []
    for number in range(5000):
        site, day = list(SITES)[number % 20], date(2010, 1, 1) + timedelta(days=number // 20)
        changes = {"key": (f"{day:%Y%m%d}", f"{site}_themis"), "site": site, "day": day.isoformat()}
        records.append(type(known.record)(**{**vars(known.record), **changes}))
    page = tmp_path / "report.html"
    page.write_text(render_page(page_data(records, "many", datetime(2020, 1, 1)), [], ""))
    assert page.stat().st_size < 15_000_000
    browser.driver.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    browser.open(page)
    browser.wait("seasons[0].drawn")
    metrics = browser.driver.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    seconds = {metric["name"]: metric["value"] for metric in metrics}
    assert seconds["TaskDuration"] < 3, json.dumps(seconds)
