"""What is done to a whole process, seen from a child where it would stay."""

from __future__ import annotations

import subprocess
import sys

import pytest
from support.process import environment


def run(code: str, prefix: str = "") -> str:
    command = f"from trio_balancer.system.process import *\n{code}"
    return subprocess.check_output(
        ["sh", "-c", f'{prefix} exec "$@"', "sh", sys.executable, "-c", command],
        text=True,
        env=environment(),
        timeout=30,
    ).strip()


def test_the_limit_of_open_files_becomes_the_hard_one() -> None:
    assert run("print(raise_open_files())", "ulimit -Sn 100; ulimit -Hn 300;") == "300"


@pytest.mark.parametrize("closed", ["0<&-", "2>&-"])
def test_a_closed_standard_stream_is_held(closed: str) -> None:
    code = "import os; hold_standard_streams(); print(os.open('/', 0) > LAST_STANDARD_STREAM)"
    assert run(code, f"exec {closed};") == "True"


def test_the_collector_comes_rarely_and_leaves_what_is_old() -> None:
    code = "import gc; spare_the_collector(); print(gc.get_threshold(), gc.get_freeze_count() > 0)"
    assert run(code) == "(20000, 10, 10) True"
