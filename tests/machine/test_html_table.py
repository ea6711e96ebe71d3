from html.parser import HTMLParser

from aurorapt.machine.html_table import html_table

HOSTILE = "<script>alert('&')</script>"


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.texts: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def read(html: str) -> _Reader:
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader


def test_whatever_is_in_a_table_stays_text() -> None:
    shown = read(html_table(HOSTILE, [[HOSTILE, HOSTILE]], [HOSTILE, HOSTILE], [HOSTILE]))
    assert shown.tags == {"table", "caption", "thead", "tbody", "tr", "th", "td", "p"}
    assert "".join(shown.texts) == HOSTILE * 6


def test_rows_without_a_header_begin_with_their_names() -> None:
    assert html_table("about", [("frames", 20), ("gaps", 0)]) == (
        "<table><caption>about</caption><tbody><tr><th>frames</th><td>20</td></tr><tr><th>gaps</th><td>0</td></tr>"
        "</tbody></table>"
    )
