"""However a ClientHello is cut into segments and records, it says the same."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.hellos import (
    alpn,
    extension,
    hello_with,
    host_name,
    message_of,
    real_hellos,
    records,
    server_name,
)

from trio_balancer.wire.client_hello import (
    ClientHello,
    ClientHelloError,
    HelloReader,
    NotTlsError,
    parse_client_hello,
)

Outcome = ClientHello | type[ValueError] | None

REAL = real_hellos()
PROGRAMS = pytest.mark.parametrize("program", REAL)

# Bytes that come near a ClientHello far more often than random ones do.
entries = st.binary(max_size=9).map(host_name) | st.binary(max_size=3)
extensions = (
    st.lists(entries, max_size=2).map(lambda each: server_name(*each))
    | st.lists(st.binary(max_size=4), max_size=3).map(lambda each: alpn(*each))
    | st.builds(extension, st.integers(0, 20), st.binary(max_size=5))
)
nearly = st.lists(extensions, max_size=3).map(lambda each: hello_with(*each))


def fed(pieces: list[bytes]) -> Outcome:
    """Feed the pieces up to the first answer."""
    reader = HelloReader()
    answers = (feed(reader, piece) for piece in pieces)
    return next((answer for answer in answers if answer is not None), None)


def feed(reader: HelloReader, data: bytes) -> Outcome:
    try:
        return reader.feed(data)
    except (ClientHelloError, NotTlsError) as error:
        return type(error)


def one_by_one(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


@PROGRAMS
def test_every_split_into_two(program: str) -> None:
    hello = REAL[program]
    whole = parse_client_hello(hello)
    assert isinstance(whole, ClientHello)
    for at in range(len(hello)):
        reader = HelloReader()
        assert reader.feed(hello[:at]) is None
        assert reader.feed(hello[at:]) == whole


@PROGRAMS
@pytest.mark.parametrize("size", [1, 2, 3, 5, 100])
def test_records_of_any_size_whole_and_a_byte_at_a_time(program: str, size: int) -> None:
    hello = REAL[program]
    cut = records(message_of(hello), size)
    assert fed([cut]) == fed(one_by_one(cut)) == fed([hello]) == fed(one_by_one(hello))
    assert isinstance(fed([cut]), ClientHello)


@st.composite
def _mutants(draw: st.DrawFn) -> bytes:
    """Replace a few bytes of a real hello, which may then be longer or shorter."""
    data = draw(st.sampled_from(sorted(REAL.values())))
    at = draw(st.integers(0, len(data)))
    return data[:at] + draw(st.binary(max_size=4)) + data[at + draw(st.integers(0, 4)) :]


@given(st.binary() | st.binary().map(b"\x16\x03".__add__) | nearly | _mutants())
def test_any_bytes_are_a_hello_or_a_documented_error_however_they_come(data: bytes) -> None:
    assert fed([data]) == fed(one_by_one(data))


@given(nearly | _mutants(), st.lists(st.integers(0, 600), max_size=5), st.integers(1, 600))
def test_pieces_and_records_of_any_size(hello: bytes, cuts: list[int], size: int) -> None:
    data = records(hello[5:], size)
    edges = [0, *sorted(cuts), max(len(data), 600)]
    pieces = [data[start:end] for start, end in pairwise(edges)]
    assert fed(pieces) == fed([data])


@given(nearly, st.binary(min_size=1))
def test_an_answer_is_final(hello: bytes, more: bytes) -> None:
    assert fed([hello]) == fed([hello + more])
    assert fed([hello]) is not None


@given(nearly)
def test_an_answer_is_repeated(hello: bytes) -> None:
    reader = HelloReader()
    assert feed(reader, hello) == feed(reader, b"") == feed(reader, b"more")
