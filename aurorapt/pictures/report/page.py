"""The page itself: data, charting library, style and script in one file that asks the network for nothing."""

import base64
import hashlib
from functools import lru_cache
from importlib import resources
from typing import Any

from aurorapt.machine.extras import load_extra
from aurorapt.pictures.report.document import PageData
from aurorapt.pictures.report.packing import pack

SCRIPTS = ("data", "state", "format", "charts", "calendar", "night", "tables", "problems", "main")  # in this order
MOST_BYTES = 15_000_000  # of a page, as long as leaving out or shrinking keograms can achieve it


def render_page(data: PageData, thumbnails: list[str], note: str) -> str:
    """Lay data into the template.

    Parameters
    ----------
    thumbnails : keogram of each night as base64 of WebP, empty where there is none; or none at all
    note : what a reader has to know of the keograms

    Raises
    ------
    OptionError
        If what the extra ``report`` brings is not installed.
    """
    jinja2, plotly = load_jinja2(), load_plotly_script()
    markup = jinja2.utils.markupsafe.Markup  # what is never escaped: texts of this package only
    script = "\n".join(_text(f"{name}.js") for name in SCRIPTS)
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("aurorapt.pictures.report", "template"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.policies["json.dumps_kwargs"] = {"separators": (",", ":"), "allow_nan": False}
    trusted = {"script": script, "style": _text("report.css")}
    text: str = environment.get_template("report.html.j2").render(
        data=data,
        thumbnails=thumbnails,
        note=note,
        licence=_licence(plotly),
        plotly_packed=_packed(plotly),
        hashes=[_hash_source(plotly), _hash_source(script)],
        **{name: markup(code) for name, code in trusted.items()},
    )
    return text


def _text(name: str) -> str:
    return (resources.files(__package__) / "template" / name).read_text(encoding="utf-8")


def _hash_source(script: str) -> str:
    """Name a script so that the browser runs this one and no other, whatever else may have come into the page."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return f"'sha256-{digest}'"


def load_jinja2() -> Any:
    """Load Jinja2, which the extra ``report`` brings.

    Raises
    ------
    OptionError
        If it is not installed.
    """
    return load_extra("jinja2", "report", "a report needs Jinja2")


def load_plotly_script() -> str:
    """Read plotly.js, which ships within the package of Python, with its licence.

    Raises
    ------
    OptionError
        If it is not installed.
    """
    script: str = load_extra("plotly.offline", "report", "a report needs plotly").get_plotlyjs()
    return script


@lru_cache(maxsize=1)
def _packed(script: str) -> str:
    return pack(script.encode())


def _licence(script: str) -> str:
    """Give the comment that a script begins with, which names its authors and its licence."""
    return script[: script.index("*/")].strip("/* \n")
