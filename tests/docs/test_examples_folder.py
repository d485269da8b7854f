"""The examples are tests themselves: they run as a test author would run them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.page_tests import EXAMPLES, run_code, run_pytest
from support.pages import blocks, page


@pytest.fixture(autouse=True)
def with_what_they_need() -> None:
    pytest.importorskip("pytest_asyncio")


def test_they_pass() -> None:
    done = run_pytest()
    assert done.returncode == 0, done.stdout
    assert "2 xfailed" in done.stdout


def test_the_retry_bug_is_found() -> None:
    done = run_pytest("--runxfail", "test_retry.py")
    assert "assert ['book', 'book', 'book'] == ['book']" in done.stdout
    assert "1 failed, 1 passed" in done.stdout


def test_the_retry_bug_of_a_real_client_is_found() -> None:
    done = run_pytest("--runxfail", "test_web_retry.py")
    assert "assert ['book', 'book'] == ['book']" in done.stdout
    assert "1 failed, 1 passed" in done.stdout


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("test_*.py")))
def test_each_is_in_the_list(name: str) -> None:
    assert name in (EXAMPLES / "README.md").read_text()


def test_the_example_of_the_page(tmp_path: Path) -> None:
    example = blocks(page("testing/memory.md"), "python")[0]
    imports = "import pytest\nimport trio\npytestmark = pytest.mark.trio\n"
    done = run_code(tmp_path, imports, example)
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


@pytest.mark.parametrize("name", ["test_retry.py", "test_web_retry.py"])
def test_the_retry_test_is_short(name: str) -> None:
    text = (EXAMPLES / name).read_text()
    body = text.partition(") -> None:\n")[2].splitlines()
    assert len(body) <= 10
