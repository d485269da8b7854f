"""Every way of moving bytes, as fixtures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from support.rig import BUFFER, EVERYTHING, LEAVABLE, TCP, Rig, open_rig

from trio_balancer.network.poller import HAVE_EPOLL
from trio_balancer.relay import bench, bulk, transfer

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path


@pytest.fixture
def eager_splice(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a few KiB be bulk already."""
    monkeypatch.setattr(bench, "BUFFER_SIZE", BUFFER)
    monkeypatch.setattr(transfer, "BUFFER_SIZE", BUFFER)
    monkeypatch.setattr(transfer, "_BULK_AFTER", 1)
    monkeypatch.setattr(bulk, "_SMALL", BUFFER // 4)


def _skip_where_it_is_not(name: str) -> None:
    if name.startswith(("epoll", "splice")) and not HAVE_EPOLL:
        pytest.skip("this system has no epoll")


@pytest.fixture(params=EVERYTHING)
async def rig(
    request: pytest.FixtureRequest, tmp_path: Path, eager_splice: None
) -> AsyncIterator[Rig]:
    """Every way of moving bytes."""
    _skip_where_it_is_not(request.param)
    async with open_rig(request.param, tmp_path) as made:
        yield made


@pytest.fixture(params=TCP)
async def tcp_rig(
    request: pytest.FixtureRequest, tmp_path: Path, eager_splice: None
) -> AsyncIterator[Rig]:
    """Those that carry a reset."""
    _skip_where_it_is_not(request.param)
    async with open_rig(request.param, tmp_path) as made:
        yield made


@pytest.fixture(params=LEAVABLE)
async def leavable_rig(
    request: pytest.FixtureRequest, tmp_path: Path, eager_splice: None
) -> AsyncIterator[Rig]:
    """Those that hand a live way back to the stream copy."""
    _skip_where_it_is_not(request.param)
    async with open_rig(request.param, tmp_path) as made:
        yield made
