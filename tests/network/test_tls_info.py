from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from support.tls import VERSIONS, Rig

from trio_balancer.config.model_tls import ClientCertificates
from trio_balancer.network.tls_info import Name, TlsInfo, common_name, write_name
from trio_balancer.network.tls_stream import TlsStream


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ((), ""),
        (((("countryName", "DE"),), (("commonName", "alice"),)), "CN=alice,C=DE"),
        (((("commonName", "a"), ("userId", "1")),), "CN=a+UID=1"),
        (((("emailAddress", "a@b"),),), "emailAddress=a@b"),
        (((("commonName", "alice,O=admin"),),), r"CN=alice\,O\=admin"),
        (((("commonName", ' #"x\\ '),),), r"CN=\ #\"x\\\ "),
        (((("commonName", "#1"),),), r"CN=\#1"),
    ],
)
def test_distinguished_names_cannot_be_mistaken(name: Name, text: str) -> None:
    assert write_name(name) == text


def test_the_last_common_name_is_the_most_specific_one() -> None:
    name: Name = ((("commonName", "outer"),), (("commonName", "inner"),), (("title", "x"),))
    assert common_name(name) == "inner"
    assert common_name(()) is None


@pytest.mark.parametrize("version", VERSIONS)
async def test_both_ends_tell(tmp_path: Path, version: ssl.TLSVersion) -> None:
    rig = Rig(tmp_path, version)
    rig.serve(
        rig.authority.listener(
            "a.example",
            alpn=("h2", "http/1.1"),
            client_certificates=ClientCertificates.REQUIRED,
            client_ca=rig.authority.ca,
        )
    )
    alice = rig.authority.issue(
        "alice@example", common_name="alice", organization="Example", unit="R&D"
    )
    rig.dial(rig.authority.pool(certificate=alice, alpn=("http/1.1", "h2")))
    client, server = await rig.connect()
    spoken = "TLSv1.2" if version is ssl.TLSVersion.TLSv1_2 else "TLSv1.3"
    assert client.info == TlsInfo(spoken, server.info.cipher, "a.example", "h2")
    assert server.info == TlsInfo(
        version=spoken,
        cipher=client.info.cipher,
        server_name="a.example",
        alpn="h2",
        client_subject="CN=alice,OU=R&D,O=Example",
        client_common_name="alice",
        client_verified=True,
    )


async def test_an_address_is_no_name_that_was_asked_for(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    rig.serve(rig.authority.listener("192.0.2.2"))
    ends = await rig.shake_hands(host="192.0.2.2")
    assert isinstance(ends.client, TlsStream)
    assert isinstance(ends.server, TlsStream)
    assert ends.client.info.server_name is ends.server.info.server_name is None
