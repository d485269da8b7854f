"""The files of a server: what is wrong with them, and reading them again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from support.certificates import Authority, remove, replace, self_signed_for_clients
from support.tls import HOST, VERSIONS, Ends, Rig

from trio_balancer.config.model_tls import (
    CertificateFiles,
    ClientCertificates,
    ListenerTls,
)
from trio_balancer.network.tls_errors import TlsConfigError
from trio_balancer.network.tls_server import ServerTls
from trio_balancer.network.tls_stream import TlsStream


@pytest.fixture(params=VERSIONS)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Rig:
    return Rig(tmp_path, request.param)


def names(ends: Ends) -> list[str]:
    """Return the DNS names of the certificate that the client was given."""
    assert isinstance(ends.client, TlsStream)
    certificate = cast("dict[str, Any]", ends.client._engine._object.getpeercert())
    return [value for _, value in certificate["subjectAltName"]]


def test_the_certificates_are_told(tmp_path: Path) -> None:
    end = datetime(2020, 1, 1, tzinfo=UTC)
    files = Authority(tmp_path).issue("a.example", expired_at=end)
    [certificate] = ServerTls(ListenerTls((files,))).certificates
    assert certificate.expires == end.timestamp()


async def test_reload_is_for_new_connections(rig: Rig) -> None:
    client, server = await rig.connect()
    before = rig.server.certificates
    files = rig.server._config.certificates[0]
    fresh = rig.authority.issue(HOST, "new.example")
    replace(files.cert, fresh.cert)
    replace(files.key, fresh.key)
    rig.server.reload()
    assert rig.server.certificates != before
    assert names(await rig.shake_hands()) == [HOST, "new.example"]
    await client.send_all(b"still here")
    assert await server.receive_some() == b"still here"


async def test_a_reload_that_fails_changes_nothing(rig: Rig) -> None:
    before = rig.server.certificates
    remove(rig.server._config.certificates[0].key)
    with pytest.raises(TlsConfigError, match=r"certificates\[0\].key: .* cannot be read"):
        rig.server.reload()
    assert rig.server.certificates is before
    await rig.connect()


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    good, for_clients = authority.issue("a.example"), self_signed_for_clients(tmp_path)
    config = ListenerTls(
        certificates=(good, CertificateFiles("/no.pem", good.key), for_clients),
        ciphers="NONSENSE",
        client_certificates=ClientCertificates.REQUIRED,
        client_ca=good.key,
    )
    with pytest.raises(TlsConfigError) as excinfo:
        ServerTls(config)
    problems = excinfo.value.problems
    assert set(problems) == {
        ("certificates", 1, "cert"),
        ("certificates", 2, "cert"),
        ("ciphers",),
        ("client_ca",),
    }
    assert problems["certificates", 2, "cert"] == (
        f"{for_clients.cert!r} is not for servers: "
        "certificate verify failed: unsuitable certificate purpose"
    )
    assert problems[("ciphers",)] == "OpenSSL knows none of the ciphers in 'NONSENSE'"
