from __future__ import annotations

import importlib
import runpy
import subprocess
import sys

import pytest
from support.process import environment

import trio_balancer


def test_python_m_is_the_command() -> None:
    command = [sys.executable, "-m", "trio_balancer", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    assert done.stdout == f"trio-balancer {trio_balancer.__version__}\n"
    assert done.stderr == ""


def test_exit_status_is_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["trio-balancer", "missing.toml"])
    with pytest.raises(SystemExit, match="2"):
        runpy.run_module("trio_balancer", run_name="__main__")


def test_importing_it_runs_nothing() -> None:
    importlib.import_module("trio_balancer.__main__")
