from __future__ import annotations

import attrs
import pytest
from wire.captures.decode import body

from trio_balancer.wire.haproxy_checks import CheckStatus
from trio_balancer.wire.haproxy_servers import (
    CheckResult,
    CheckState,
    ServerConnections,
    ServerState,
    servers_conn,
    servers_state,
)
from trio_balancer.wire.haproxy_status import Admin, Operation


def text(word: str) -> str:
    return "" if word == "-" else word


def decode_state(line: str) -> ServerState:
    words = line.split(" ")
    return ServerState(
        backend_id=int(words[0]),
        backend=words[1],
        server_id=int(words[2]),
        server=words[3],
        address=words[4],
        operation=Operation(int(words[5])),
        admin=Admin(int(words[6])),
        weight=int(words[7]),
        initial_weight=int(words[8]),
        since_change=int(words[9]),
        check_status=CheckStatus(int(words[10])),
        check_result=CheckResult(int(words[11])),
        check_health=int(words[12]),
        check_state=CheckState(int(words[13])),
        agent_state=CheckState(int(words[14])),
        name_resolved=text(words[17]),
        port=int(words[18]),
        tls=words[20] == "1",
        check_port=int(words[21]),
        check_address=text(words[22]),
        agent_address=text(words[23]),
        agent_port=int(words[24]),
    )


def decode_conn(line: str) -> ServerConnections:
    names, numbers, address, port, _, _, used, used_max, needed, *_ = line.split(" ")
    backend, server = names.split("/")
    backend_id, server_id = numbers.split("/")
    return ServerConnections(
        int(backend_id),
        backend,
        int(server_id),
        server,
        address,
        int(port),
        int(used),
        int(used_max),
        int(needed),
    )


@pytest.mark.parametrize("name", ["servers-state.txt", "servers-state-http.txt"])
def test_state_is_what_haproxy_wrote(name: str) -> None:
    _, _, *lines = body(name).splitlines()

    assert servers_state(map(decode_state, lines)) == body(name)


def test_conn_is_what_haproxy_wrote() -> None:
    _, *lines = body("servers-conn.txt").splitlines()

    assert servers_conn(map(decode_conn, lines)) == body("servers-conn.txt")


def test_every_column_comes_from_its_value() -> None:
    line = "9 be 3 s [::1] 2 41 7 8 99 17 2 5 15 22 0 0 db.example 80 - 1 81 10.0.0.1 10.0.0.2 82"

    assert servers_state([decode_state(line)]).splitlines()[2] == line


def test_no_name_adds_a_column() -> None:
    header, *lines = body("servers-conn.txt").splitlines()
    server = attrs.evolve(decode_conn(lines[0]), backend="my pool", server="a\nb")

    line = servers_conn([server]).splitlines()[1]

    assert len(line.split(" ")) == len(header.removeprefix("# ").split(" "))
    assert line.startswith(r"my\x20pool/a\nb ")
