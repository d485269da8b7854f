"""`backends` of a pool, in its short form (addresses) or its long form (tables)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.addresses import backend_address
from trio_balancer.config.model import ORIGINAL_DESTINATION_BACKEND, BackendConfig
from trio_balancer.config.values import boolean, name, whole
from trio_balancer.wire.address import Address, NamedAddress, UnixAddress

if TYPE_CHECKING:
    from pathlib import PurePath

    from trio_balancer.config.problems import KeyPath
    from trio_balancer.config.reader import TableReader

#: In the place of a pool's backends: dial where each client was going.
ORIGINAL_DESTINATION = "original-destination"

_DEFAULT = BackendConfig(name="", address=UnixAddress(""))
_HEAVIEST = 256


def read_backends(pool: TableReader, base: PurePath) -> tuple[BackendConfig, ...]:
    """Read the backends of a pool; those whose address is wrong are left out."""
    items = pool.items("backends")
    if pool.table.get("backends") == ORIGINAL_DESTINATION:
        return (ORIGINAL_DESTINATION_BACKEND,)
    if not items:
        pool.problem("backends", "at least one backend is needed")
    if len({isinstance(item, dict) for _, item in items}) > 1:
        pool.problem("backends", "mixes addresses and tables; a pool uses one form")
    read = {path: _read_backend(pool, path, item, base) for path, item in items}
    backends = {path: backend for path, backend in read.items() if backend is not None}
    _report_twins(pool, backends)
    return tuple(backends.values())


def _read_backend(
    pool: TableReader, path: KeyPath, item: object, base: PurePath
) -> BackendConfig | None:
    if isinstance(item, dict):
        return _read_long(pool.within(path, item), base)
    address = pool.parse(path, item, backend_address(base), None)
    return None if address is None else BackendConfig(_default_name(address, item), address)


def _read_long(section: TableReader, base: PurePath) -> BackendConfig | None:
    take = section.take
    address = section.require("address", backend_address(base), None)
    given = take("name", name, None)
    weight = take("weight", whole(0, _HEAVIEST), _DEFAULT.weight)
    max_connections = take("max_connections", whole(1), None)
    backup = take("backup", boolean, _DEFAULT.backup)
    if address is None:
        return None
    title = given or _default_name(address, section.table["address"])
    return BackendConfig(title, address, weight, max_connections, backup)


def _default_name(address: Address, written: object) -> str:
    # The folder of a relative path may hold a space, which would split the name in the log.
    return str(written) if isinstance(address, UnixAddress) else str(address)


def _report_twins(pool: TableReader, backends: dict[KeyPath, BackendConfig]) -> None:
    """Report names and addresses that an earlier backend of the pool has already."""
    names: set[str] = set()
    addresses: set[str] = set()
    for path, backend in backends.items():
        address = _identity(backend.address)
        if address in addresses:
            pool.report.add(path, f"this pool has a backend at {backend.address} already")
        elif backend.name in names:
            pool.report.add(path, f"this pool has a backend named {backend.name!r} already")
        names.add(backend.name)
        addresses.add(address)


def _identity(address: Address) -> str:
    # Host names do not tell capitals from small letters; paths do.
    return str(address).lower() if isinstance(address, NamedAddress) else str(address)
