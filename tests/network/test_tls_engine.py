from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from support.tls import HOST, VERSIONS, Rig

from trio_balancer.network.tls_engine import Engine


class Wired:
    """Two engines whose bytes are carried by hand."""

    def __init__(self, server: ssl.SSLContext, client: ssl.SSLContext, host: str = HOST) -> None:
        self.up, self.down = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.server, self.client = Engine(server), Engine(client)
        self.server.wrap_bio(self.up, self.down, server_side=True, server_hostname=None)
        self.client.wrap_bio(self.down, self.up, server_side=False, server_hostname=host)

    def shake_hands(self) -> None:
        for _ in range(3):
            for engine in (self.client, self.server):
                try:
                    engine.do_handshake()
                except ssl.SSLWantReadError:
                    continue


@pytest.fixture(params=VERSIONS)
def wired(request: pytest.FixtureRequest, tmp_path: Path) -> Wired:
    rig = Rig(tmp_path, request.param)
    made = Wired(rig.server._choice.default, rig.client._context)
    made.shake_hands()
    return made


def want_read(engine: Engine) -> None:
    with pytest.raises(ssl.SSLWantReadError):
        engine.read(1)


def test_a_failed_handshake_sends_its_alert_first(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    wired = Wired(rig.server._choice.default, rig.client._context, "other.example")
    with pytest.raises(ssl.SSLWantReadError):
        wired.client.do_handshake()
    with pytest.raises(ssl.SSLWantReadError):
        wired.server.do_handshake()
    with pytest.raises(ssl.SSLWantReadError):
        wired.client.do_handshake()
    assert wired.up.pending  # the alert
    with pytest.raises(ssl.SSLCertVerificationError):
        wired.client.do_handshake()
    wired.down.read()
    with pytest.raises(ssl.SSLError, match=r"(?i)alert"):
        wired.server.do_handshake()


def test_all_records_that_have_come_are_read_at_once(wired: Wired) -> None:
    wired.client.write(memoryview(bytes(50_000)))
    assert wired.server.has_unread()
    assert len(wired.server.read(45_000)) == 45_000
    assert wired.server.has_unread()
    assert len(wired.server.read(45_000)) == 5_000
    assert not wired.server.has_unread()
    want_read(wired.server)


def test_half_a_record_stays_for_later(wired: Wired) -> None:
    wired.client.write(memoryview(bytes(20_000)))
    half = wired.up.read(wired.up.pending - 1)
    rest = wired.up.read()
    wired.up.write(half)
    assert len(wired.server.read(65_536)) == 16_384
    wired.up.write(rest)
    assert len(wired.server.read(65_536)) == 20_000 - 16_384


def test_what_came_before_a_broken_record_is_read_first(wired: Wired) -> None:
    wired.client.write(memoryview(b"good"))
    good = wired.up.read()
    wired.client.write(memoryview(b"bad"))
    bad = bytearray(wired.up.read())
    bad[-1] ^= 1
    wired.up.write(good + bad)
    assert wired.server.read(100) == b"good"
    for _ in range(2):
        with pytest.raises(ssl.SSLError, match=r"(?i)bad record mac"):
            wired.server.read(100)


def test_the_end_is_read_after_the_bytes(wired: Wired) -> None:
    wired.client.write(memoryview(b"last"))
    wired.client.unwrap()
    assert wired.client.notified
    assert wired.server.read(100) == b"last"
    assert wired.server.read(100) == wired.server.read(100) == b""
    assert not wired.server.notified


def test_a_close_notify_is_written_though_the_peer_still_sends(wired: Wired) -> None:
    wired.client.write(memoryview(bytes(20_000)))
    before = wired.down.pending
    wired.server.unwrap()
    assert wired.server.notified
    assert wired.down.pending > before
    assert wired.client.read(100) == b""


def test_a_close_notify_that_cannot_be_written(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    wired = Wired(rig.server._choice.default, rig.client._context)
    with pytest.raises(ssl.SSLError):
        wired.server.unwrap()  # before the handshake
    assert not wired.server.notified


def test_a_cut_connection_is_no_end(wired: Wired) -> None:
    wired.up.write_eof()
    with pytest.raises(ssl.SSLEOFError):
        wired.server.read(1)
