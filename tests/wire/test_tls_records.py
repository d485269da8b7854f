from __future__ import annotations

import pytest
from support.hellos import record

from trio_balancer.wire.tls_fields import ClientHelloError
from trio_balancer.wire.tls_records import MAX_FRAGMENT, looks_like_tls, next_fragment


@pytest.mark.parametrize(
    ("beginning", "answer"),
    [
        (b"", None),
        (b"\x16", None),
        (b"\x16\x03", True),
        (b"\x16\x03\x01\x02", True),
        (b"\x16\x03\x04", True),
        (b"\x16\x02", False),
        (b"G", False),
        (b"\x00", False),
        (b"\x15\x03\x01\x00\x02", False),
        (b"\x80\x2e\x01\x03\x01", False),  # the SSL 2.0 form of a ClientHello for TLS 1.0
    ],
)
def test_the_first_two_bytes_tell(beginning: bytes, answer: bool | None) -> None:  # noqa: FBT001 - the expected answer, not a switch
    assert looks_like_tls(beginning) is answer
    assert looks_like_tls(bytearray(beginning)) is answer


def test_records_follow_each_other() -> None:
    data = bytearray(record(b"ab") + record(b"c"))
    assert next_fragment(data, 0) == b"ab"
    assert next_fragment(data, 7) == b"c"
    assert next_fragment(data, len(data)) is None


def test_a_record_is_none_before_its_last_byte() -> None:
    whole = record(bytes(100))
    assert [next_fragment(bytearray(whole[:end]), 0) for end in range(len(whole))] == [None] * 105
    assert next_fragment(bytearray(whole + b"more"), 0) == bytes(100)


def test_the_largest_record() -> None:
    assert next_fragment(bytearray(record(bytes(MAX_FRAGMENT))), 0) == bytes(MAX_FRAGMENT)


@pytest.mark.parametrize("size", [0, MAX_FRAGMENT + 1, 0xFFFF])
def test_a_length_that_no_record_may_have_is_refused_by_its_header(size: int) -> None:
    header = bytearray(b"\x16\x03\x01" + size.to_bytes(2, "big"))
    with pytest.raises(ClientHelloError, match=f"a TLS record of {size} bytes; 1 to 16384"):
        next_fragment(header, 0)


@pytest.mark.parametrize("header", [b"\x17\x03\x01\x00\x01", b"\x16\x02\x01\x00\x01"])
def test_another_kind_of_record_is_refused_by_its_header(header: bytes) -> None:
    with pytest.raises(ClientHelloError, match="interrupted by something else"):
        next_fragment(bytearray(header), 0)
