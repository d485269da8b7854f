"""The tests on the pages for test authors: run them as their readers would, in `examples/`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "examples"


def run_pytest(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run pytest in the folder of the examples, without the options of our own tests."""
    # Our plugin once, whether the package is installed or not.
    plugins = ["-p", "no:trio_balancer", "-p", "trio_balancer.testing.plugin", "-p", "no:randomly"]
    command = [sys.executable, "-m", "pytest", "-c", "pytest.ini", "-p", "no:cacheprovider"]
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        [*command, *plugins, *arguments],
        cwd=EXAMPLES,
        env={**ours, "PYTHONPATH": f"{ROOT}{os.pathsep}{EXAMPLES}"},
        capture_output=True,
        text=True,
        check=False,
    )


def run_code(folder: Path, *code: str) -> subprocess.CompletedProcess[str]:
    """Run examples of a page, one after the other, as one file of tests."""
    path = folder / "test_page.py"
    path.write_text("\n\n".join(code))
    return run_pytest("--import-mode=importlib", str(path))


def missing_lines(shown: str, output: str) -> list[str]:
    """Return what a page shows and a real output does not have, whatever its numbers are."""
    real = {_without_numbers(line) for line in output.splitlines()}
    lines = [line for line in shown.splitlines() if line != "..."]
    return [line for line in lines if _without_numbers(line) not in real]


def _without_numbers(line: str) -> str:
    return " ".join(re.sub(r"\d+(\.\d+)?", "0", line).split())
