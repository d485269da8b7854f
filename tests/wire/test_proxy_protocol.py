from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from support.proxy_headers import IPV4, IPV6, TLVS, UNIX
from support.proxy_vectors import (
    ACCEPTED,
    HAPROXY_CRC32C,
    ONE,
    REFUSED,
    SIGNATURE,
    TWO,
    v2,
)

from trio_balancer.wire.proxy_protocol import (
    MAX_HEADER,
    ProxyHeader,
    ProxyProtocolError,
    Tlvs,
    encode_local,
    encode_v1,
    encode_v2,
    parse_header,
    readable,
)


@pytest.mark.parametrize("name", ACCEPTED)
@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="alone"),
        pytest.param(b"PROXY UNKNOWN\r\n", id="twice"),
        pytest.param(SIGNATURE, id="signature"),
        pytest.param(b"\0" * 99, id="payload"),
    ],
)
def test_what_is_accepted(name: str, payload: bytes) -> None:
    data, header = ACCEPTED[name]
    assert parse_header(data + payload) == header
    assert parse_header(bytearray(data + payload)) == header


@pytest.mark.parametrize("name", ACCEPTED)
def test_a_header_may_be_split_at_every_byte(name: str) -> None:
    data, _ = ACCEPTED[name]
    assert [parse_header(data[:end]) for end in range(len(data))] == [None] * len(data)


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize(
    "payload",
    [
        pytest.param(b"", id="alone"),
        pytest.param(b"\r\n", id="line"),
        pytest.param(b"\0" * 99, id="payload"),
    ],
)
def test_what_is_refused(name: str, payload: bytes) -> None:
    with pytest.raises(ProxyProtocolError):
        parse_header(REFUSED[name] + payload)


def test_the_checksum_of_a_sender_is_checked() -> None:
    data = bytearray(v2(HAPROXY_CRC32C))
    data[20] ^= 1
    with pytest.raises(ProxyProtocolError, match="CRC32C"):
        parse_header(data)


def test_what_is_no_header_is_refused_at_its_first_byte() -> None:
    beginnings = [byte for byte in range(256) if _outcome(bytes([byte])) is None]
    assert bytes(beginnings) == b"\rP"


def _outcome(data: bytes) -> ProxyHeader | str | None:
    try:
        return parse_header(data)
    except ProxyProtocolError:
        return "refused"


ADDRESSES = st.tuples(IPV4 | IPV6 | UNIX, IPV4 | IPV6 | UNIX)


@st.composite
def _written(draw: st.DrawFn) -> bytes:
    source, destination = draw(ADDRESSES)
    if draw(st.booleans()):
        return encode_v1(source, destination)
    return encode_v2(source, destination, draw(TLVS), crc32c=draw(st.booleans()))


WRITTEN = _written() | st.just(encode_local())


@st.composite
def _damaged(draw: st.DrawFn) -> bytes:
    data = bytearray(draw(WRITTEN | st.sampled_from([data for data, _ in ACCEPTED.values()])))
    for _ in range(draw(st.integers(0, 3))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))])


ANYTHING = (
    st.binary(max_size=200)
    | _damaged()
    | st.binary(max_size=60).map(lambda rest: SIGNATURE + b"\x21" + rest)
    | st.text("PROXYTCUNKW46 .:019af\r\n", max_size=60).map(lambda text: f"PROXY {text}".encode())
)


@given(ANYTHING, st.binary(max_size=20))
@example(b"PROXY UNKNOWN\r", b"\n")
def test_whole_and_byte_by_byte_agree(data: bytes, rest: bytes) -> None:
    whole = data + rest
    outcomes = [_outcome(whole[:end]) for end in range(len(whole) + 1)]
    decided = [outcome for outcome in outcomes if outcome is not None]
    # Once known it stays, whatever follows.
    assert all(outcome == decided[0] for outcome in decided)
    assert outcomes[len(outcomes) - len(decided) :] == decided
    for outcome in decided:
        if isinstance(outcome, ProxyHeader):
            assert outcomes[outcome.size - 1 : outcome.size + 1] == [None, outcome]


@given(ANYTHING)
def test_any_data_has_a_short_answer(data: bytes) -> None:
    answer = _answer(data)
    assert answer.isprintable()
    assert len(answer) < 250


def _answer(data: bytes) -> str:
    try:
        header = parse_header(data)
    except ProxyProtocolError as error:
        return str(error)
    return "unfinished" if header is None else "header"


@given(WRITTEN, st.binary(max_size=20))
def test_what_we_write_is_understood(header: bytes, payload: bytes) -> None:
    parsed = parse_header(header + payload)
    assert parsed is not None
    assert parsed.size == len(header)


def test_more_than_the_longest_header_is_never_needed() -> None:
    longest = Tlvs(authority=bytes(MAX_HEADER - 31))
    data = encode_v2(ONE, TWO, longest)
    assert len(data) == MAX_HEADER
    assert parse_header(data) == ProxyHeader(2, MAX_HEADER, ONE, TWO, longest)
    assert readable(bytes(MAX_HEADER)).endswith(r"\x00...")
