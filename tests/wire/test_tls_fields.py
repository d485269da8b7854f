from __future__ import annotations

import pytest

from trio_balancer.wire.tls_fields import ClientHelloError, Fields


def test_fields_come_one_after_the_other() -> None:
    fields = Fields(b"\x01\x02ab\x00\x03xyz", "it")
    assert fields.number(2) == 258
    assert fields.take(2) == b"ab"
    assert fields.left == 5
    assert fields.vector(2, range(4)) == b"xyz"
    assert fields.left == 0
    fields.finish()


def test_an_empty_field_needs_no_bytes() -> None:
    assert Fields(b"", "it").take(0) == b""


def test_a_field_that_is_cut_short() -> None:
    for read in (Fields.take, Fields.number):
        with pytest.raises(ClientHelloError, match="malformed ClientHello: it is cut short"):
            read(Fields(b"ab", "it"), 3)
    for data in (b"", b"\x00", b"\x00\x02a"):
        with pytest.raises(ClientHelloError, match="it is cut short"):
            Fields(data, "it").vector(2, range(9))


@pytest.mark.parametrize("size", [0, 3, 6])
def test_a_vector_has_one_of_the_lengths_that_are_allowed(size: int) -> None:
    with pytest.raises(ClientHelloError, match=f"it has a field of {size} bytes, which is no"):
        Fields(bytes([size, *bytes(size)]), "it").vector(1, range(2, 6, 2))


def test_bytes_after_the_end() -> None:
    fields = Fields(b"abc", "it")
    fields.take(1)
    with pytest.raises(ClientHelloError, match="it goes on for 2 bytes after its end"):
        fields.finish()
