from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.wire.http_check import (
    MAX_RESPONSE,
    HttpCheckError,
    StatusParser,
    check_request,
)

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n"

# Bytes that come near a response far more often than random ones do.
NEARLY = st.lists(
    st.sampled_from(
        [b"HTTP/1.", b"1 ", b"0 ", b"200", b"503", b"103", b" OK", b"\r", b"\n", b"\r\n", b"\0"]
    )
    | st.binary(max_size=5)
).map(b"".join)


def parse(*pieces: bytes) -> int | None:
    """Return the status, None when more is needed."""
    parser = StatusParser()
    for piece in pieces:
        status = parser.feed(piece)
        if status is not None:
            return status
    return None


def outcome(*pieces: bytes) -> int | str | None:
    try:
        return parse(*pieces)
    except HttpCheckError:
        return "refused"


def one_by_one(data: bytes) -> list[bytes]:
    return [data[at : at + 1] for at in range(len(data))]


def test_the_request_is_what_rfc_9112_asks_for() -> None:
    assert check_request("/healthz?full=1", "app.example:80") == (
        b"GET /healthz?full=1 HTTP/1.1\r\n"
        b"Host: app.example:80\r\n"
        b"User-Agent: trio-balancer\r\n"
        b"Accept: */*\r\n"
        b"Connection: close\r\n"
        b"\r\n"
    )


@pytest.mark.parametrize("text", ["", "/ HTTP/1.1\r\nX: y", "/a b", "/\t", "/\x7f", "/ä", "/\n"])
def test_what_would_break_the_request_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cannot stand in an HTTP request"):
        check_request(text, "host")
    with pytest.raises(ValueError, match="cannot stand in an HTTP request"):
        check_request("/", text)


@pytest.mark.parametrize(
    ("response", "status"),
    [
        (b"HTTP/1.1 200 OK\r\n", 200),
        (b"HTTP/1.0 404 Not Found\r\nServer: x\r\n\r\nbody", 404),
        (b"HTTP/1.1 503 \r\n", 503),
        (b"HTTP/1.1 204\r\n", 204),
        (b"HTTP/1.1 302 Found\n", 302),
        (b"HTTP/1.1 999 \xff\x00 whatever\r\n", 999),
        (b"HTTP/1.1 101 Switching Protocols\r\n", 101),
        (CONTINUE + b"HTTP/1.1 200 OK\r\n", 200),
        (EARLY_HINTS + EARLY_HINTS + b"HTTP/1.1 500 Oh\r\n", 500),
        (EARLY_HINTS.replace(b"\r", b"") + b"HTTP/1.1 200 OK\n", 200),
    ],
)
def test_the_status_is_found_whole_and_a_byte_at_a_time(response: bytes, status: int) -> None:
    assert parse(response) == status
    assert parse(*one_by_one(response)) == status


@pytest.mark.parametrize(
    "response",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\r\nHTTP/1.1 200 OK\r\n",
        b"\x15\x03\x01\x00\x02\x02\x46",
        b"HTTP/2 200\r\n",
        b"http/1.1 200 OK\r\n",
        b"HTTP/1.1  200 OK\r\n",
        b"HTTP/1.1 20 OK\r\n",
        b"HTTP/1.1 2000 OK\r\n",
        b"HTTP/1.1 099 OK\r\n",
        b"HTTP/1.1 +20 OK\r\n",
        "HTTP/1.1 ２００ OK\r\n".encode(),  # noqa: RUF001 - digits, but not HTTP's
        b"HTTP/1.x 200 OK\r\n",
        b"HTT\r\n",
        CONTINUE + b"again\r\n",
    ],
)
def test_anything_else_is_refused(response: bytes) -> None:
    for pieces in ([response], one_by_one(response)):
        with pytest.raises(HttpCheckError):
            parse(*pieces)


@pytest.mark.parametrize("greeting", [b"S", b"220 mail", b"HTTP/2"])
def test_another_protocol_is_refused_before_its_line_ends(greeting: bytes) -> None:
    with pytest.raises(HttpCheckError, match="expected an HTTP response"):
        parse(greeting)


@pytest.mark.parametrize("half", [b"", b"HTTP/1.1 200", b"HTTP/1.1 200 OK\r", CONTINUE])
def test_half_a_response_has_no_status(half: bytes) -> None:
    parser = StatusParser()
    assert parser.feed(half) is None
    with pytest.raises(HttpCheckError, match="ended before an HTTP status"):
        parser.finish()


@pytest.mark.parametrize(
    "endless",
    [
        b"HTTP/1.1 200 " + b"O" * MAX_RESPONSE,
        CONTINUE * MAX_RESPONSE,
        CONTINUE.rstrip() + b"\r\nX: " + b"y" * MAX_RESPONSE,
    ],
)
def test_a_response_without_end_is_refused_at_the_bound(endless: bytes) -> None:
    with pytest.raises(HttpCheckError, match="no HTTP status within 8192 bytes"):
        parse(endless)
    parser = StatusParser()
    assert parser.feed(endless[: MAX_RESPONSE - 1]) is None
    with pytest.raises(HttpCheckError, match="no HTTP status within 8192 bytes"):
        parser.feed(endless[MAX_RESPONSE - 1 :])


def test_what_a_peer_sent_is_shown_short_and_harmless() -> None:
    with pytest.raises(HttpCheckError) as caught:
        parse(b"\x1b[31m\n2026 forged line\r\n" + b"x" * 1000)
    shown = str(caught.value)
    assert shown.isascii()
    assert shown.isprintable()
    assert len(shown) < 250


@given(st.binary() | NEARLY)
def test_any_bytes_give_a_status_or_the_documented_error(data: bytes) -> None:
    whole = outcome(data)
    assert whole in {None, "refused"} or (isinstance(whole, int) and 100 <= whole <= 999)


@given(NEARLY, st.lists(st.integers(0, 60)))
def test_how_a_response_is_cut_makes_no_difference(data: bytes, cuts: list[int]) -> None:
    edges = [0, *sorted(cuts), len(data)]
    pieces = [data[start:end] for start, end in pairwise(edges)]
    assert outcome(*pieces) == outcome(data) == outcome(*one_by_one(data))
