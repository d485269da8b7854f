from __future__ import annotations

import importlib
import subprocess
import sys

from support.process import environment

import trio_balancer


def test_python_m_is_the_command() -> None:
    command = [sys.executable, "-m", "trio_balancer", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment())
    assert done.stdout == f"trio-balancer {trio_balancer.__version__}\n"
    assert done.stderr == ""


def test_exit_status_is_passed_on() -> None:
    command = [sys.executable, "-m", "trio_balancer", "missing.toml"]
    done = subprocess.run(command, capture_output=True, check=False, env=environment())
    assert done.returncode == 2


def test_importing_it_runs_nothing() -> None:
    importlib.import_module("trio_balancer.__main__")
