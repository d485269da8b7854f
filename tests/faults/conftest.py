"""The relay, eager to splice."""

from __future__ import annotations

import pytest
from support.rig import BUFFER

from trio_balancer.relay import bench, bulk, transfer


@pytest.fixture
def eager_splice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few KiB be bulk already."""
    monkeypatch.setattr(bench, "BUFFER_SIZE", BUFFER)
    monkeypatch.setattr(transfer, "BUFFER_SIZE", BUFFER)
    monkeypatch.setattr(transfer, "_BULK_AFTER", 1)
    monkeypatch.setattr(bulk, "_SMALL", BUFFER // 4)
