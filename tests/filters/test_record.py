from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path

from support.filtered import START, configured, receive, receive_to_end, say
from trio.testing import wait_all_tasks_blocked

from trio_balancer.config.model_filters import RecordFilterConfig


def lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


async def test_a_conversation(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    async with configured(RecordFilterConfig("f", str(path), data=True)) as it:
        await say(it.client, b"question\n")
        assert await receive_to_end(it.backend) == b"question\n"
        await say(it.backend, b"\xff")
        assert await receive_to_end(it.client) == b"\xff"
    common = {"time": START, "connection": 1, "listener": "web"}
    assert lines(path) == [
        common
        | {
            "event": "open",
            "client": "198.51.100.7:40000",
            "local": "198.51.100.1:80",
            "pool": "app",
            "backend": "app-1",
            "backend_address": "10.0.1.1:8080",
        },
        common | said("from-client", b"question\n"),
        common | {"event": "finished", "direction": "from-client"},
        common | said("from-backend", b"\xff"),
        common | {"event": "finished", "direction": "from-backend"},
        common | {"event": "closed", "reset_by": None},
    ]


def said(direction: str, data: bytes) -> dict[str, object]:
    return {
        "event": "data",
        "direction": direction,
        "length": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
        "data": base64.b64encode(data).decode(),
    }


async def test_without_the_bytes_and_broken_off(tmp_path: Path) -> None:
    path = tmp_path / "f.jsonl"
    async with configured(RecordFilterConfig("f", str(path))) as it:
        await it.client.send_all(b"secret")
        await receive(it.backend, 6)
        it.backend.reset()
        await wait_all_tasks_blocked()
    _, data, closed = lines(path)
    assert "data" not in data
    assert (closed["event"], closed["reset_by"]) == ("closed", "backend")


async def test_a_full_disk_does_not_hurt() -> None:
    async with configured(RecordFilterConfig("f", "/dev/full")) as it:
        await it.client.send_all(b"x")
        assert await receive(it.backend, 1) == b"x"
    assert it.filters.statistics().lost == 3
