"""Plain tables of HTML, for notebooks: whatever a file names stays text."""

from collections.abc import Iterable, Sequence
from html import escape


def html_table(
    caption: str, rows: Iterable[Sequence[object]], header: Sequence[str] = (), notes: Iterable[str] = ()
) -> str:
    """Write a table.

    Parameters
    ----------
    caption : above it
    rows : cells, row by row; the first of each is its name, where there is no header
    header : names of the columns
    notes : sentences below it

    Returns
    -------
    a fragment of HTML in which nothing that was given is markup
    """
    parts = [f"<table><caption>{escape(caption)}</caption>"]
    if header:
        parts.append("<thead><tr>" + "".join(f"<th>{escape(name)}</th>" for name in header) + "</tr></thead>")
    parts.append("<tbody>")
    for row in rows:
        cells = [escape(str(cell)) for cell in row]
        first = f"<td>{cells[0]}</td>" if header else f"<th>{cells[0]}</th>"
        parts.append("<tr>" + first + "".join(f"<td>{cell}</td>" for cell in cells[1:]) + "</tr>")
    parts.append("</tbody></table>")
    return "".join(parts) + "".join(f"<p>{escape(note)}</p>" for note in notes)
