"""Certificates for tests: an authority, and what it has signed, as PEM files."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest
import trustme

from trio_balancer.config.model_tls import CertificateFiles, ListenerTls, PoolTls

if TYPE_CHECKING:
    from datetime import datetime


@attrs.define(eq=False)
class Authority:
    """Signs certificates; writes everything into `folder`."""

    folder: Path
    _authority: trustme.CA = attrs.field(factory=trustme.CA, init=False)
    _count: int = attrs.field(default=0, init=False)

    @property
    def ca(self) -> str:
        """The file with the authority's own certificate."""
        path = self._path("ca")
        self._authority.cert_pem.write_to_path(path)
        return path

    def issue(
        self,
        *names: str,
        common_name: str | None = None,
        organization: str | None = None,
        unit: str | None = None,
        expired_at: datetime | None = None,
    ) -> CertificateFiles:
        """Sign a certificate for host names, wildcards and IP addresses; key and chain apart."""
        issued = self._authority.issue_cert(
            *names,
            common_name=common_name,
            organization_name=organization,
            organization_unit_name=unit,
            not_after=expired_at,
        )
        self._count += 1
        files = CertificateFiles(
            self._path(f"{self._count}-cert"), self._path(f"{self._count}-key")
        )
        issued.private_key_pem.write_to_path(files.key)
        for number, blob in enumerate(issued.cert_chain_pems):
            blob.write_to_path(files.cert, append=number > 0)
        return files

    def listener(self, *names: str, **options: object) -> ListenerTls:
        """Build the configuration of a listener with one certificate."""
        certificates = (self.issue(*names),)
        return ListenerTls(certificates, **options)  # type: ignore[arg-type]  # attrs will tell

    def pool(self, **options: object) -> PoolTls:
        """Build the configuration of a pool that trusts this authority."""
        return PoolTls(ca=self.ca, **options)  # type: ignore[arg-type]  # attrs will tell

    def _path(self, name: str) -> str:
        self.folder.mkdir(exist_ok=True)
        return str(self.folder / f"{name}.pem")


def self_signed_for_clients(folder: Path) -> CertificateFiles:
    """Make a certificate that no server may use; skips the test without an openssl program."""
    files = CertificateFiles(str(folder / "client-cert.pem"), str(folder / "client-key.pem"))
    openssl(
        "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=a.example",
        "-addext",
        "extendedKeyUsage=clientAuth",
        "-out",
        files.cert,
        "-keyout",
        files.key,
    )
    return files


def openssl(command: str, *more: str) -> None:
    """Run the openssl program; skips the test where there is none."""
    try:
        subprocess.run(["openssl", *command.split(), *more], check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("there is no openssl program here")


def replace(path: str, by: str) -> None:
    """Put one file into the place of another, as a renewal does."""
    Path(by).rename(path)


def remove(path: str) -> None:
    """Remove a file."""
    Path(path).unlink()
