from __future__ import annotations

import struct
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.wire.address import inet_address
from trio_balancer.wire.tcp_packet import SEGMENT, Conversation, Flag

IPV4 = inet_address("198.51.100.7", 40000), inet_address("198.51.100.1", 80)
IPV6 = inet_address("2001:db8::7", 40000), inet_address("2001:db8::1", 80)
MIXED = inet_address("2001:db8::7", 40000), inet_address("198.51.100.1", 80)
FAMILIES = pytest.mark.parametrize("ends", [IPV4, IPV6, MIXED], ids=["ipv4", "ipv6", "mixed"])


def words_sum(data: bytes) -> int:
    """Add 16-bit words as RFC 1071 does, one by one."""
    total = 0
    for (word,) in struct.iter_unpack("!H", data + bytes(len(data) % 2)):
        total += word
        total = (total & 0xFFFF) + (total >> 16)
    return total


class Read:
    """A packet taken apart again."""

    def __init__(self, packet: bytes) -> None:
        self.version = packet[0] >> 4
        addresses = packet[12:20] if self.version == 4 else packet[8:40]
        size = 20 if self.version == 4 else 40
        self.ip_header, segment = packet[:size], packet[size:]
        pseudo = addresses + struct.pack("!II", len(segment), 6)
        self.checksum_is_right = words_sum(pseudo + segment) == 0xFFFF
        self.source, self.target, self.sequence, self.acknowledged = struct.unpack_from(
            "!HHII", segment
        )
        self.flags = Flag(segment[13])
        self.data = segment[segment[12] >> 4 << 2 :]
        self.length = len(packet)


def read(packets: list[bytes]) -> list[Read]:
    return [Read(packet) for packet in packets]


@FAMILIES
@given(data=st.binary(min_size=1, max_size=99), sequence=st.integers(0, 1 << 33))
def test_lengths_and_checksums(ends: tuple[object, object], data: bytes, sequence: int) -> None:
    talk = Conversation(*ends, sequence=sequence)  # type: ignore[arg-type]  # a parameter
    packets = [*talk.handshake(), *talk.data(talk.client, data), *talk.finish(talk.server)]
    for packet in read(packets):
        assert packet.checksum_is_right
        if packet.version == 4:
            assert words_sum(packet.ip_header) == 0xFFFF
            assert struct.unpack_from("!H", packet.ip_header, 2) == (packet.length,)
        else:
            assert struct.unpack_from("!H", packet.ip_header, 4) == (packet.length - 40,)


def test_numbers_follow_each_other() -> None:
    talk = Conversation(*IPV4, sequence=(1 << 32) - 2)
    syn, syn_ack, ack = read(talk.handshake())
    assert [each.flags for each in (syn, syn_ack, ack)] == [
        Flag.SYN,
        Flag.SYN | Flag.ACK,
        Flag.ACK,
    ]
    assert (syn.sequence, syn.acknowledged) == ((1 << 32) - 2, 0)
    assert (syn_ack.acknowledged, ack.sequence) == ((1 << 32) - 1, (1 << 32) - 1)
    [said] = read(talk.data(talk.client, b"abc"))
    assert (said.sequence, said.data) == ((1 << 32) - 1, b"abc")
    [answer] = read(talk.data(talk.server, b"de"))
    assert (answer.acknowledged, answer.source, answer.target) == (2, 80, 40000)
    assert answer.sequence == (syn_ack.sequence + 1) % (1 << 32)


def test_long_data_is_cut_into_segments() -> None:
    talk = Conversation(*IPV6)
    data = bytes(range(256)) * 300
    segments = read(talk.data(talk.server, data))
    assert [len(each.data) for each in segments] == [SEGMENT, SEGMENT, len(data) - 2 * SEGMENT]
    assert b"".join(each.data for each in segments) == data
    assert segments[1].sequence == segments[0].sequence + SEGMENT


def test_both_finish() -> None:
    talk = Conversation(*IPV4)
    is_over = [talk.is_over]
    [first] = read(talk.finish(talk.server))
    is_over.append(talk.is_over)
    second, last = read(talk.finish(talk.client))
    is_over.append(talk.is_over)
    assert is_over == [False, False, True]
    assert [each.flags for each in (first, second, last)] == [
        Flag.FIN | Flag.ACK,
        Flag.FIN | Flag.ACK,
        Flag.ACK,
    ]
    assert last.acknowledged == second.sequence + 1


@pytest.mark.parametrize("who", [lambda talk: talk.client, lambda talk: talk.server])
def test_a_reset(who: Callable[[Conversation], object]) -> None:
    talk = Conversation(*IPV4)
    speaker = talk.client if who(talk) is talk.client else talk.server
    [packet] = read(talk.reset(speaker))
    assert packet.flags == Flag.RST | Flag.ACK
    assert packet.source == speaker.address.port
