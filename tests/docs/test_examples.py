"""Every example of a configuration works, and every link leads somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import tomli
from support.pages import DOCS, blocks, page

from trio_balancer import parse_config

PAGES = sorted(path.name for path in DOCS.glob("*.md"))
# Their examples are parts of a configuration.
OF_PARTS = {"filters.md", "testing/faults.md"}
ALL_PAGES = sorted(str(path.relative_to(DOCS)) for path in DOCS.rglob("*.md"))
# Outside the folder, but read as much.
FRONT_PAGES = ["../README.md", "../examples/README.md"]
_LINK = re.compile(r"\]\(([^)#\s]*)(?:#([^)\s]*))?\)")


@pytest.mark.parametrize("name", ALL_PAGES)
def test_examples_are_valid(name: str) -> None:
    for text in blocks(page(name), "toml"):
        assert tomli.loads(text)
        if name not in OF_PARTS:
            assert parse_config(text, base="/etc/trio-balancer").listeners


def test_the_front_page_is_one_configuration() -> None:
    text = "\n".join(blocks(page("../README.md"), "toml"))
    assert parse_config(text, base="/etc/trio-balancer").admin is not None


def test_the_index_has_every_page() -> None:
    index = page("README.md")
    assert [name for name in PAGES if f"({name})" not in index] == ["README.md"]


@pytest.mark.parametrize("name", [*ALL_PAGES, *FRONT_PAGES])
def test_links(name: str) -> None:
    broken = [
        f"{target}#{anchor}"
        for target, anchor in _LINK.findall(page(name))
        if not target.startswith("http") and not _exists(name, target, anchor)
    ]
    assert broken == []


def _exists(name: str, target: str, anchor: str) -> bool:
    page_path = Path(DOCS, name)
    path = page_path.parent / target if target else page_path
    if not anchor:
        return path.exists()
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return anchor in {_anchor(heading) for heading in headings}


def _anchor(heading: str) -> str:
    """Make a heading's anchor as GitHub does."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
