from __future__ import annotations

from pathlib import Path

from trio_balancer.config.model_tls import CertificateFiles, ListenerTls, PoolTls
from trio_balancer.network.tls_files import digest_files, renewed


def write(folder: Path, *names: str) -> list[str]:
    paths = [folder / name for name in names]
    for path in paths:
        path.write_text(path.name)
    return [str(path) for path in paths]


def test_every_file_that_is_named_is_looked_at(tmp_path: Path) -> None:
    paths = write(tmp_path, "web.crt", "web.key", "clients.ca", "us.pem", "servers.ca")
    cert, key, clients, ours, servers = paths
    listener = ListenerTls((CertificateFiles(cert, key),), client_ca=clients)
    pool = PoolTls(ca=servers, certificate=CertificateFiles(ours, ours))
    assert sorted(digest_files([listener, pool])) == sorted(paths)
    assert digest_files([PoolTls()]) == {}


def test_what_cannot_be_read_is_left_out(tmp_path: Path) -> None:
    (cert,) = write(tmp_path, "web.crt")
    listener = ListenerTls((CertificateFiles(cert, str(tmp_path / "none.key")),))
    assert list(digest_files([listener])) == [cert]


def test_renewed_is_what_has_other_contents_under_the_same_name(tmp_path: Path) -> None:
    cert, key, gone, fresh = write(tmp_path, "b.crt", "a.key", "gone.ca", "fresh.ca")

    def digests(ca: str) -> dict[str, bytes]:
        return digest_files([ListenerTls((CertificateFiles(cert, key),), client_ca=ca)])

    before = digests(gone)
    assert renewed(before, digests(fresh)) == ()
    for path in (cert, key, fresh):
        Path(path).write_text("something else")
    assert renewed(before, digests(fresh)) == (key, cert)
