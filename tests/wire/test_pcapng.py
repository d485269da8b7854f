from __future__ import annotations

import struct
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from support.tshark import fields, needs_tshark

from trio_balancer.wire.pcapng import file_header, packet


def blocks(data: bytes) -> list[tuple[int, bytes]]:
    """Read the types and bodies of all blocks, as section 3.1 of the format says."""
    found = []
    while data:
        kind, length = struct.unpack_from("<II", data)
        assert length % 4 == 0
        assert struct.unpack_from("<I", data, length - 4) == (length,)
        found.append((kind, data[8 : length - 4]))
        data = data[length:]
    return found


def test_a_file_begins_with_a_section_and_an_interface() -> None:
    (section, section_body), (interface, interface_body) = blocks(file_header("me"))
    assert (section, interface) == (0x0A0D0D0A, 1)
    assert section_body == bytes.fromhex(
        "4d3c2b1a 0100 0000 ffffffffffffffff 0400 0200 6d65 0000 00000000"
    )
    assert interface_body == bytes.fromhex("6500 0000 00000000")


@given(st.binary(max_size=50), st.floats(0, 1e11), st.text(max_size=20))
def test_packets(data: bytes, wall: float, comment: str) -> None:
    [(kind, body)] = blocks(packet(data, wall, comment))
    interface, high, low, captured, length = struct.unpack_from("<IIIII", body)
    assert (kind, interface, captured, length) == (6, 0, len(data), len(data))
    assert (high << 32) + low == round(wall * 1e6)
    assert body[20 : 20 + len(data)] == data


def test_a_clock_before_1970_and_a_novel_of_a_comment() -> None:
    [(_, body)] = blocks(packet(b"", -5.0, "x" * 100_000))
    assert body[4:12] == bytes(8)
    assert len(body) < 1 << 17


@needs_tshark
def test_tshark_reads_it(tmp_path: Path) -> None:
    ipv4 = bytes.fromhex("4500001400000000 40 fd 0000 c0000201 c0000202")
    file = tmp_path / "f.pcapng"
    data = packet(ipv4, 1_700_000_000.25, "one")
    # Two sections, as two writers of one file make them.
    file.write_bytes(file_header("me") + data + file_header("me") + data)
    assert (
        fields(file, "frame.time_epoch", "frame.comment", "ip.src", "ip.dst")
        == [["1700000000.250000000", "one", "192.0.2.1", "192.0.2.2"]] * 2
    )
