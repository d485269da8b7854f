"""The examples are tests themselves: they run as a test author would run them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.pages import blocks, page

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    words = ["-m", "pytest", "-c", "pytest.ini", "-p", "no:cacheprovider", "-p", "no:asyncio"]
    return subprocess.run(
        [sys.executable, *words, *arguments],
        cwd=EXAMPLES,
        env={**os.environ, "PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )


def test_they_pass() -> None:
    done = run()
    assert done.returncode == 0, done.stdout
    assert "1 xfailed" in done.stdout


def test_the_retry_bug_is_found() -> None:
    done = run("--runxfail", "test_retry.py")
    assert "assert ['book', 'book', 'book'] == ['book']" in done.stdout
    assert "1 failed, 1 passed" in done.stdout


@pytest.mark.parametrize("name", sorted(path.name for path in EXAMPLES.glob("test_*.py")))
def test_each_is_in_the_list(name: str) -> None:
    assert name in (EXAMPLES / "README.md").read_text()


def test_the_example_of_the_page(tmp_path: Path) -> None:
    example = blocks(page("testing/memory.md"), "python")[0]
    path = tmp_path / "test_page.py"
    path.write_text(f"import pytest\nimport trio\n{example}")
    done = run("--import-mode=importlib", str(path))
    assert done.returncode == 0, done.stdout
    assert "1 passed" in done.stdout


def test_the_retry_test_is_short() -> None:
    text = (EXAMPLES / "test_retry.py").read_text()
    body = text.partition(") -> None:\n")[2].splitlines()
    assert len(body) <= 10
