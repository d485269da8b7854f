from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.proxy_headers import TLVS

from trio_balancer.wire.proxy_header import ProxyProtocolError, SslInfo, Tlvs
from trio_balancer.wire.proxy_tlv import CRC32C_SIZE, add_crc32c, encode_tlvs, parse_tlvs

SSL_BYTES = bytes.fromhex("20 0020 07 00000000 21 0007") + b"TLSv1.3" + bytes.fromhex("22 000e")
SSL_BYTES += b"client.example"
# A vector of the same type within it, and another one within that.
NESTED = bytes.fromhex("20 0013 01 00000001 20 000b 01 00000001 20 0003 200000")


@given(TLVS, st.binary(max_size=8))
def test_vectors_read_as_they_are_written(tlvs: Tlvs, before: bytes) -> None:
    assert parse_tlvs(before + encode_tlvs(tlvs), len(before)) == tlvs


@given(TLVS, st.binary(max_size=8))
def test_a_checksum_changes_nothing_else(tlvs: Tlvs, before: bytes) -> None:
    header = add_crc32c(before + encode_tlvs(tlvs))
    assert len(header) == len(before + encode_tlvs(tlvs)) + CRC32C_SIZE
    assert parse_tlvs(header, len(before)) == tlvs


@given(TLVS, st.data())
def test_a_checksum_finds_every_flipped_bit(tlvs: Tlvs, data: st.DataObject) -> None:
    header = bytearray(add_crc32c(b"before" + encode_tlvs(tlvs)))
    # Those of its own type and length would make it another vector.
    flippable = [*range(6), *range(len(header) - 4, len(header))]
    header[data.draw(st.sampled_from(flippable))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(ProxyProtocolError, match="CRC32C of a PROXY header is wrong"):
        parse_tlvs(bytes(header), 6)


@pytest.mark.parametrize(
    ("data", "tlvs"),
    [
        (b"", Tlvs()),
        (b"\x01\x00\x02h2", Tlvs(alpn=b"h2")),
        (b"\x02\x00\x01a\x05\x00\x02\0\xff\x30\x00\x00", Tlvs(b"a", None, b"\0\xff", b"")),
        (b"\x04\x00\x02xx\x01\x00\x02h2\x04\x00\x00", Tlvs(alpn=b"h2")),
        (b"\xe0\x00\x01a\xe0\x00\x01b", Tlvs(others=((0xE0, b"a"), (0xE0, b"b")))),
        (SSL_BYTES, Tlvs(ssl=SslInfo(7, 0, version=b"TLSv1.3", cn=b"client.example"))),
        (
            NESTED,
            Tlvs(ssl=SslInfo(1, 1, others=((0x20, bytes.fromhex("01 00000001 20 0003 200000")),))),
        ),
    ],
)
def test_vectors(data: bytes, tlvs: Tlvs) -> None:
    assert parse_tlvs(data, 0) == tlvs


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"\x01", "ends within the beginning of a TLV"),
        (b"\x01\x00\x00\x04\x00", "ends within the beginning of a TLV"),
        (b"\x02\x00\x03ab", "0x02 goes on after its PROXY header's end"),
        (b"\xe0\xff\xff" + bytes(99), "0xe0 goes on after its PROXY header's end"),
        (b"\x02\x00\x01a\x02\x00\x01a", "has the TLV 0x02 twice"),
        (b"\x05\x00\x81" + bytes(129), "at most 128 bytes"),
        (b"\x03\x00\x03abc", "a CRC32C has 4 bytes, not 3"),
        (b"\x03\x00\x04abcd", "CRC32C of a PROXY header is wrong"),
        (b"\x20\x00\x04\x01\0\0\0", "the SSL TLV of a PROXY header is too short"),
        (b"\x20\x00\x06\x01\0\0\0\0\x21", "ends within the beginning of a TLV"),
        (b"\x20\x00\x09\x01\0\0\0\0\x21\0\2x", "0x21 goes on after its PROXY header's end"),
        (b"\x20\x00\x0b\x01\0\0\0\0\x21\0\0\x21\0\0", "has the TLV 0x21 twice"),
    ],
)
def test_what_is_no_vector_is_refused(data: bytes, sentence: str) -> None:
    with pytest.raises(ProxyProtocolError, match=sentence):
        parse_tlvs(data, 0)


def test_a_unique_id_of_128_bytes() -> None:
    assert parse_tlvs(b"\x05\x00\x80" + bytes(128), 0) == Tlvs(unique_id=bytes(128))


def test_a_value_that_does_not_fit_is_refused() -> None:
    assert len(encode_tlvs(Tlvs(alpn=bytes(65535)))) == 65538
    with pytest.raises(ValueError, match="a TLV of 65536 bytes does not fit"):
        encode_tlvs(Tlvs(alpn=bytes(65536)))
