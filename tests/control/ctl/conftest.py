"""The program, and a runtime socket that it finds by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.control_server import control_server
from support.ctl_bench import Bench


@pytest.fixture
def ctl(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bench]:
    bench = Bench(capsys)
    path = tmp_path / "s"
    monkeypatch.setenv("TRIO_BALANCER_SOCKET", str(path))
    monkeypatch.setenv("COLUMNS", "80")
    with control_server(path, bench.answer) as server:
        bench.server = server
        yield bench
