from __future__ import annotations

from pathlib import Path

import attrs
import pytest
from support.filtered import (
    INFO,
    START,
    Around,
    configured,
    copying,
    listener,
    lone_connection,
    receive,
    receive_to_end,
    say,
    through,
)
from support.tshark import conversation, fields, needs_tshark, tshark
from trio.testing import wait_all_tasks_blocked

from trio_balancer.config.model_filters import PcapFilterConfig, Rotation
from trio_balancer.filters import ConnectionInfo, load_filters
from trio_balancer.filters.append_file import AppendFile
from trio_balancer.filters.pcap import FILE_HEADER, PcapFilter
from trio_balancer.wire.address import SocketAddress, UnixAddress, inet_address

pytestmark = needs_tshark

QUESTION, ANSWER = b"GET / HTTP/1.0\r\n\r\n", b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 100_000


def flags(file: Path) -> list[tuple[str, str]]:
    """Who sent which flags: "client" or "server"."""
    names = {0x02: "SYN", 0x12: "SYN-ACK", 0x10: "ACK", 0x18: "data", 0x11: "FIN", 0x14: "RST"}
    ports = fields(file, "tcp.srcport", "tcp.flags")
    return [
        ("server" if port in {"80", "1"} else "client", names[int(flag, 16)])
        for port, flag in ports
    ]


async def test_a_conversation(tmp_path: Path) -> None:
    file = tmp_path / "f.pcapng"
    async with configured(PcapFilterConfig("f", str(file))) as it:
        await say(it.client, QUESTION)
        assert await receive_to_end(it.backend) == QUESTION
        await say(it.backend, ANSWER)
        assert await receive_to_end(it.client) == ANSWER
    said = conversation(file)
    assert b"".join(data for who, data in said if who == "client") == QUESTION
    assert b"".join(data for who, data in said if who == "server") == ANSWER
    assert [who for who, _ in said][:2] == ["client", "server"]
    assert flags(file)[:5] == [
        ("client", "SYN"),
        ("server", "SYN-ACK"),
        ("client", "ACK"),
        ("client", "data"),
        ("client", "FIN"),
    ]
    assert flags(file)[-2:] == [("server", "FIN"), ("client", "ACK")]


async def test_nothing_for_an_expert_to_complain_of(tmp_path: Path) -> None:
    file = tmp_path / "f.pcapng"
    async with configured(PcapFilterConfig("f", str(file))) as it:
        await it.backend.send_all(ANSWER)
        await receive(it.client, len(ANSWER))
        await say(it.client, QUESTION)
        await receive_to_end(it.backend)
        await say(it.backend, b"bye")
        await receive_to_end(it.client)
    assert fields(file, "_ws.expert.message", only="_ws.expert.severity >= 0x600000") == []


async def test_what_is_said_about_a_connection(tmp_path: Path) -> None:
    file = tmp_path / "f.pcapng"
    around = Around()
    async with configured(PcapFilterConfig("f", str(file)), around=around) as it:
        around.now = START + 1.5
        await it.client.send_all(QUESTION)
        await receive(it.backend, len(QUESTION))
    syn, *_, question, _ = fields(file, "frame.time_epoch", "frame.comment", "ip.src", "ip.dst")
    comment = "connection 1 of web, to app/app-1 at 10.0.1.1:8080"
    assert syn == [f"{START:.9f}", comment, "198.51.100.7", "198.51.100.1"]
    assert question[0] == f"{START + 1.5:.9f}"


@pytest.mark.parametrize(("peer", "blamed"), [("client", "client"), ("backend", "server")])
async def test_a_reset(tmp_path: Path, peer: str, blamed: str) -> None:
    file = tmp_path / "f.pcapng"
    async with configured(PcapFilterConfig("f", str(file))) as it:
        await wait_all_tasks_blocked()
        getattr(it, peer).reset()
        await wait_all_tasks_blocked()
    assert flags(file)[-1] == (blamed, "RST")


IPV6 = inet_address("2001:db8::7", 40000)


@pytest.mark.parametrize(
    ("client", "local", "seen"),
    [
        (IPV6, inet_address("2001:db8::1", 80), ["", "2001:db8::7", "2001:db8::1"]),
        (IPV6, INFO.local, ["", "2001:db8::7", "::ffff:198.51.100.1"]),
        (UnixAddress(""), UnixAddress("/run/web"), ["192.0.2.1", "", ""]),
        (UnixAddress(""), inet_address("::1", 80), ["", "::ffff:192.0.2.1", "::1"]),
    ],
)
def test_addresses(
    tmp_path: Path, client: SocketAddress, local: SocketAddress, seen: list[str]
) -> None:
    write(tmp_path / "f", attrs.evolve(INFO, client=client, local=local))
    assert fields(tmp_path / "f", "ip.src", "ipv6.src", "ipv6.dst")[0] == seen
    assert conversation(tmp_path / "f") == [("client", b"question"), ("server", b"answer")]


def write(path: Path, info: ConnectionInfo) -> None:
    file = AppendFile(str(path), Rotation(), print, FILE_HEADER)
    made = PcapFilter(lone_connection(info=info), file=file, wall_clock=lambda: START)
    made.from_client(b"question")
    made.from_backend(b"answer")
    made.closed()
    file.close()


async def test_rotated_files_are_whole(tmp_path: Path) -> None:
    rotation = Rotation(max_size=5000, files=3)
    config = PcapFilterConfig("f", str(tmp_path / "f"), rotation)
    async with configured(config) as it:
        for _ in range(20):
            await it.client.send_all(b"x" * 1000)
            await receive(it.backend, 1000)
    files = sorted_files(tmp_path)
    assert [path.name for path in files] == ["f", "f.1", "f.2"]
    for path in files:
        assert path.stat().st_size <= 5000
        assert tshark(path)


def sorted_files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


async def test_two_connections_of_the_same_addresses_are_two_streams(tmp_path: Path) -> None:
    config = PcapFilterConfig("f", str(tmp_path / "f"))
    filters = load_filters(listener(config), Around().surroundings)
    for number in (1, 2):
        it = through(filters, number=number)
        async with copying(it):
            await say(it.client, b"%d" % number)
            await receive_to_end(it.backend)
            await say(it.backend)
            await receive_to_end(it.client)
    filters.close()
    assert conversation(tmp_path / "f", 0) == [("client", b"1")]
    assert conversation(tmp_path / "f", 1) == [("client", b"2")]
