"""Certificates of clients: asked for, verified, and told."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
import trio
from support.certificates import Authority
from support.tls import HOST, VERSIONS, Rig, memory_ends

from trio_balancer.config.model_tls import (
    ClientCertificates,
)
from trio_balancer.network import PeerReset
from trio_balancer.network.tls_stream import TlsStream


@pytest.fixture(params=VERSIONS)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Rig:
    return Rig(tmp_path, request.param)


def asking(rig: Rig, wanted: ClientCertificates) -> None:
    rig.serve(rig.authority.listener(HOST, client_certificates=wanted, client_ca=rig.authority.ca))


async def test_a_client_may_have_no_certificate(rig: Rig) -> None:
    asking(rig, ClientCertificates.OPTIONAL)
    _client, server = await rig.connect()
    assert not server.info.client_verified
    assert server.info.client_subject is server.info.client_common_name is None


async def test_a_client_must_have_a_certificate(rig: Rig) -> None:
    asking(rig, ClientCertificates.REQUIRED)
    ends = await rig.shake_hands()
    assert str(ends.server) == "the peer sent no certificate"
    if rig.version is ssl.TLSVersion.TLSv1_2:
        assert str(ends.client) == 'the peer sent the alert "handshake failure"'
    else:  # the client has finished by then
        assert isinstance(ends.client, TlsStream)
        with pytest.raises(PeerReset, match='the alert "certificate required"'):
            await ends.client.receive_some()


async def test_without_an_authority_nobody_is_accepted(rig: Rig) -> None:
    rig.serve(rig.authority.listener(HOST, client_certificates=ClientCertificates.REQUIRED))
    rig.dial(rig.authority.pool(certificate=rig.authority.issue("alice@example")))
    ends = await rig.shake_hands()
    assert str(ends.server).startswith("certificate verify failed: ")


@pytest.mark.parametrize("wanted", [ClientCertificates.OPTIONAL, ClientCertificates.REQUIRED])
async def test_a_client_of_another_authority(rig: Rig, wanted: ClientCertificates) -> None:
    asking(rig, wanted)
    stranger = Authority(rig.folder / "stranger").issue("mallory@example")
    rig.dial(rig.authority.pool(certificate=stranger))
    ends = await rig.shake_hands()
    assert str(ends.server).startswith("certificate verify failed: unable to get")
    if rig.version is ssl.TLSVersion.TLSv1_2:
        assert str(ends.client) == 'the peer sent the alert "unknown ca"'
    else:
        assert isinstance(ends.client, TlsStream)
        with pytest.raises(PeerReset, match='the alert "unknown ca"'):
            await ends.client.receive_some()


async def test_a_session_can_be_taken_up_again_and_keeps_the_client(tmp_path: Path) -> None:
    rig = Rig(tmp_path, ssl.TLSVersion.TLSv1_2)
    asking(rig, ClientCertificates.REQUIRED)
    alice = rig.authority.issue("alice@example", common_name="alice")
    context = ssl.create_default_context(cafile=rig.authority.ca)
    context.maximum_version = rig.version
    context.load_cert_chain(alice.cert, alice.key)
    session: ssl.SSLSession | None = None
    for resumed in (False, True):
        dialled, accepted = memory_ends()
        served: list[TlsStream] = []

        async def accept() -> None:
            served.append(await rig.server.accept(accepted))  # noqa: B023  # awaited in the loop

        outer = trio.SSLStream(dialled, context, server_hostname=HOST)
        if session is not None:
            outer.session = session
        async with trio.open_nursery() as nursery:
            nursery.start_soon(accept)
            await outer.do_handshake()
        session = outer.session
        assert served[0].info.resumed is resumed
        assert served[0].info.client_common_name == "alice"
