"""Who may connect to a running balancer: addresses, hours, limits, the tarpit."""

from __future__ import annotations

import socket
import struct
import time
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from support.process import Process, balancer, config_text, wait_until
from support.servers import connect, echo_server
from support.visits import visit

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

JSON = 'format = "json"'
HELLO = b"hello"


def _config(port: int, access: str, bind: str = "127.0.0.1:0") -> str:
    listener = f"[listeners.web.access]\n{access}\n"
    return config_text(port, bind=bind, listener=listener, log=JSON)


def _records(process: Process) -> dict[object, dict[str, object]]:
    """Return what was recorded, by client; at most one refused client a second has a line."""
    assert process.stop() == 0
    return {record["client"]: record for record in process.records()}


@pytest.mark.parametrize("bind", ["0.0.0.0:0", "[::]:0"])
def test_an_ipv4_client_is_under_the_rules_for_ipv4(tmp_path: Path, bind: str) -> None:
    rules = 'allow = ["127.0.0.0/8"]\ndeny = ["127.6.0.0/16", "::/0"]'
    with (
        echo_server() as backend,
        balancer(tmp_path, _config(backend, rules, bind)) as process,
    ):
        good, bad = (visit(process.port, source=ip) for ip in ("127.5.5.5", "127.6.5.5"))
        records = _records(process)
    assert (good.answer, bad.answer) == (HELLO, None)
    assert records[good.client]["ending"] == "--"
    assert (records[bad.client]["ending"], records[bad.client]["refusal"]) == ("PR", "denied")
    assert records[bad.client]["attempts"] == 0


def test_the_longest_rule_wins(tmp_path: Path) -> None:
    rules = 'allow = ["127.6.0.0/16", "127.6.6.6"]\ndeny = ["127.0.0.0/8", "127.6.6.0/24"]'
    expected = {"127.1.1.1": None, "127.6.1.1": HELLO, "127.6.6.1": None, "127.6.6.6": HELLO}
    with echo_server() as backend, balancer(tmp_path, _config(backend, rules)) as process:
        answers = {ip: visit(process.port, source=ip).answer for ip in expected}
    assert answers == expected


def test_lists_from_files(tmp_path: Path) -> None:
    (tmp_path / "friends").write_text("# those we know\n127.1.0.0/16\n\n127.2.0.1\n")
    expected = {"127.1.9.9": HELLO, "127.2.0.1": HELLO, "127.2.0.2": None}
    rules = 'allow_file = "friends"'
    with echo_server() as backend, balancer(tmp_path, _config(backend, rules)) as process:
        answers = {ip: visit(process.port, source=ip).answer for ip in expected}
    assert answers == expected


def test_an_ipv6_client(tmp_path: Path) -> None:
    with (
        echo_server() as backend,
        balancer(tmp_path, _config(backend, 'deny = ["::1"]', "[::]:0")) as process,
        socket.socket(socket.AF_INET6) as client,
    ):
        client.settimeout(10)
        with pytest.raises(ConnectionResetError):
            _connect_and_read(client, process.port)
        assert visit(process.port).answer == HELLO


def _connect_and_read(client: socket.socket, port: int) -> None:
    client.connect(("::1", port))
    client.recv(1)


def test_a_client_has_so_many_connections_at_once(tmp_path: Path) -> None:
    with (
        echo_server() as backend,
        balancer(tmp_path, _config(backend, "max_per_client = 1")) as process,
    ):
        with connect(process.port) as first:
            first.sendall(HELLO)
            assert first.recv(100) == HELLO
            assert visit(process.port).answer is None
            assert visit(process.port, source="127.0.0.2").answer == HELLO
        # As soon as the first is over, the next one may come.
        wait_until(lambda: visit(process.port).answer == HELLO)


def test_a_client_connects_so_often(tmp_path: Path) -> None:
    limit = 'rate_per_client = "1/h"\nrate_per_client_burst = 3'
    with echo_server() as backend, balancer(tmp_path, _config(backend, limit)) as process:
        mine = Counter(visit(process.port).answer for _ in range(10))
        others = visit(process.port, source="127.0.0.2")
    assert mine == {HELLO: 3, None: 7}
    assert others.answer == HELLO


def test_refused_clients_are_counted_though_they_have_no_line_each(tmp_path: Path) -> None:
    with (
        echo_server() as backend,
        balancer(tmp_path, _config(backend, 'deny = ["127.0.0.2"]')) as process,
    ):
        visits = [visit(process.port, source="127.0.0.2") for _ in range(200)]
        assert process.stop() == 0
    assert {each.answer for each in visits} == {None}
    assert 1 <= len(process.records()) <= 1 + _seconds_of_log(process)
    [stopped] = [line for line in process.log() if line.get("message") == "Stopped"]
    assert stopped["accepted"] == 200


def _seconds_of_log(process: Process) -> float:
    """Return how long it has been written."""
    first, last = (datetime.fromisoformat(str(process.log()[at]["time"])) for at in (0, -1))
    return (last - first).total_seconds()


TARPIT = 0.5


def test_the_tarpit_keeps_a_refused_client_waiting(tmp_path: Path) -> None:
    rules = f'deny = ["127.0.0.2"]\ntarpit = "{TARPIT}s"'
    with echo_server() as backend, balancer(tmp_path, _config(backend, rules)) as process:
        began = time.monotonic()
        refused = visit(process.port, source="127.0.0.2")
        waited = time.monotonic() - began
        records = _records(process)
    assert refused.answer is None
    assert waited >= TARPIT
    assert records[refused.client]["ending"] == "PT"
    assert float(str(records[refused.client]["total_time"])) >= TARPIT


def test_a_full_tarpit_resets_at_once(tmp_path: Path) -> None:
    rules = 'deny = ["127.0.0.2"]\ntarpit = "1h"'
    with echo_server() as backend:
        # 5 % of 40 are two.
        text = _config(backend, rules).replace("[balancer]", "[balancer]\nmax_connections = 40")
        with balancer(tmp_path, text) as process:
            with _kept(process.port), _kept(process.port):
                third = visit(process.port, source="127.0.0.2")
                assert visit(process.port).answer == HELLO
            # Who resets gives back what it holds, and so the balancer need not wait for it.
            records = _records(process)
    assert third.answer is None
    assert records[third.client]["ending"] == "PR"


@contextmanager
def _kept(port: int) -> Iterator[None]:
    """Connect from an address that is refused, stay while the block runs, and reset."""
    with socket.create_connection(("127.0.0.1", port), 10, ("127.0.0.2", 0)) as client:
        yield
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_outside_the_hours_nobody_is_served(tmp_path: Path) -> None:
    # Open from an hour ago until half an hour ago; or the same, and now.
    with echo_server() as backend:
        for name, minutes, answer in [("closed", 30, None), ("open", -30, HELLO)]:
            hours = _window(timedelta(minutes=-60), timedelta(minutes=-minutes))
            with balancer(tmp_path, _config(backend, hours), name=name) as process:
                client = visit(process.port)
                records = _records(process)
            assert client.answer == answer
            expected = "outside-hours" if answer is None else None
            assert records[client.client]["refusal"] == expected


def _window(start: timedelta, end: timedelta) -> str:
    """Write hours that begin and end so long after this moment."""
    now = datetime.now(UTC)
    first, last = (f"{now + each:%H:%M}" for each in (start, end))
    return f'hours = [{{ from = "{first}", to = "{last}", timezone = "UTC" }}]'
