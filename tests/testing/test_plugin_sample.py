"""The sample project, again and again: no flake, and nothing left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from support.scale import scaled

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "tests" / "sample_project"


@pytest.mark.heavy
@pytest.mark.timeout(1800)
def test_the_sample_project_passes_every_time() -> None:
    for module in ("pytest_asyncio", "pytest_randomly", "xdist"):
        if find_spec(module) is None:
            pytest.skip(f"{module} is not installed")
    for _ in range(scaled(20)):
        run = subprocess.run(
            _command(), env=_environment(), capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stdout + run.stderr


def _command() -> list[str]:
    python = [sys.executable, "-W", "error", "-m", "pytest"]
    project = ["-c", str(SAMPLE / "pytest.ini"), "--rootdir", str(SAMPLE), str(SAMPLE)]
    # Our own not twice, where it is installed.
    once = ["-p", "no:trio_balancer", "-p", "trio_balancer.testing.plugin"]
    plugins = [*once, "-p", "randomly", "-p", "no:cacheprovider"]
    return [*python, *project, *plugins, "-n", "4", "-W", "error"]


def _environment() -> dict[str, str]:
    # This run may itself be one of xdist's workers.
    ours = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return {**ours, "PYTHONPATH": str(ROOT)}
