"""The pages under docs/, as far as tests read them: headings, tables, examples."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"

_HEADING = re.compile(r"#+ (.+)")
_CODE = re.compile(r"`([^`]+)`")
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def page(name: str) -> str:
    """Return the text of a page."""
    return Path(DOCS, name).read_text("utf-8")


def rows(text: str) -> dict[str, list[list[str]]]:
    """Return the table rows below each heading, cell by cell; a heading's backticks are taken off.

    The row with a table's titles is left out, and the line below it.
    """
    found: dict[str, list[list[str]]] = {}
    heading, before = "", ""
    for line in text.splitlines():
        match = _HEADING.match(line)
        if match is not None:
            heading = match[1].replace("`", "")
        elif line.startswith("|--"):
            found[heading].pop()
        elif line.startswith("|"):
            cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
            found.setdefault(heading, []).append(cells)
        before = line
    assert before == "" or not before.startswith("|--")
    return found


def prose(text: str) -> str:
    """Return a page without its examples."""
    return _BLOCK.sub("", text)


def words(cell: str) -> list[str]:
    """Return what stands in backticks in a cell."""
    return _CODE.findall(cell)


def blocks(text: str, language: str) -> list[str]:
    """Return the examples in one language."""
    return [code for kind, code in _BLOCK.findall(text) if kind == language]
