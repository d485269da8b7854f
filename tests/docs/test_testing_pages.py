"""The pages for test authors: their tests find the bugs, and pass once these are mended."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path

import pytest
from support.page_tests import missing_lines, run_code
from support.pages import DOCS, blocks, page, prose

from trio_balancer.testing import open_balancer_sync

FOLDER = DOCS / "testing"
PAGES = sorted(f"testing/{path.name}" for path in FOLDER.glob("*.md"))
#: Those of a use: a test that finds a bug, the failure, what mends it, variants.
USES = [name for name in PAGES if "## What mends it" in page(name)]
_VARIANT = re.compile(r"^\| `(balancer\.[^`]+)`", re.MULTILINE)
VARIANTS = [(name, code) for name in USES for code in _VARIANT.findall(prose(page(name)))]


def test_there_is_a_page_for_each_use() -> None:
    assert {Path(name).stem for name in USES} == {
        *("retry", "failover", "slow-dependency", "rolling-restart", "half-close")
    }


def test_the_index_has_every_page() -> None:
    index = page("testing/README.md")
    names = [Path(name).name for name in PAGES]
    assert [name for name in names if f"({name})" not in index] == ["README.md"]


@pytest.mark.parametrize("name", USES)
def test_the_bug_is_found_and_fails_as_shown(name: str, tmp_path: Path) -> None:
    pytest.importorskip("pytest_asyncio")
    bug, *_mended = blocks(page(name), "python")
    [shown] = blocks(page(name), "text")
    done = run_code(tmp_path, bug)
    assert "1 failed" in done.stdout
    assert missing_lines(shown, done.stdout) == []


@pytest.mark.parametrize("name", USES)
def test_the_mended_program_passes(name: str, tmp_path: Path) -> None:
    pytest.importorskip("pytest_asyncio")
    done = run_code(tmp_path, *blocks(page(name), "python"))
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("name", USES)
def test_the_test_is_of_ten_lines(name: str) -> None:
    tree = ast.parse(blocks(page(name), "python")[0])
    [test] = [node for node in tree.body if getattr(node, "name", "").startswith("test_")]
    assert isinstance(test, ast.FunctionDef | ast.AsyncFunctionDef)
    assert test.end_lineno is not None
    assert test.end_lineno - test.lineno <= 10


@pytest.mark.parametrize(("name", "code"), VARIANTS)
def test_a_variant_can_be_used(name: str, code: str) -> None:
    with open_balancer_sync(["127.0.0.1:1"]) as balancer:
        block = eval(code, {"balancer": balancer})  # noqa: S307  # of our own page
        with block:
            assert any(event.kind == "fault added" for event in balancer.events)


def test_the_quick_start(tmp_path: Path) -> None:
    pytest.importorskip("pytest_asyncio")
    done = run_code(tmp_path, *blocks(page("testing/README.md"), "python"))
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


def test_the_quick_start_is_of_ten_lines() -> None:
    code = blocks(page("testing/README.md"), "python")[0]
    assert len([line for line in code.splitlines() if line]) <= 10


def test_the_quick_start_shows_a_real_report(tmp_path: Path) -> None:
    code = blocks(page("testing/README.md"), "python")[0]
    [shown] = blocks(page("testing/README.md"), "text")
    done = run_code(tmp_path, code.replace("two.name: 1", "two.name: 2"))
    assert "1 failed" in done.stdout
    assert missing_lines(shown, done.stdout) == []


def test_moving_from_toxiproxy(tmp_path: Path) -> None:
    pytest.importorskip("toxiproxy")
    done = run_code(tmp_path, *blocks(page("testing/moving-from-toxiproxy.md"), "python"))
    assert done.returncode == 0, done.stdout
    assert "2 passed" in done.stdout


@pytest.mark.parametrize("name", PAGES)
def test_its_python_compiles_and_imports_what_is_there(name: str) -> None:
    for code in blocks(page(name), "python"):
        tree = compile(code, name, "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("trio_balancer"):
                module = importlib.import_module(str(node.module))
                assert [each.name for each in node.names if not hasattr(module, each.name)] == []
