from __future__ import annotations

from pathlib import PurePath

import pytest

from trio_balancer.config.backends import read_backends
from trio_balancer.config.model import BackendConfig
from trio_balancer.config.problems import Report
from trio_balancer.config.reader import TableReader
from trio_balancer.wire.address import NamedAddress, UnixAddress, parse_address


def _read(*backends: object) -> tuple[tuple[BackendConfig, ...], list[str]]:
    pool = TableReader({"backends": list(backends)}, (), Report("f"))
    read = read_backends(pool, PurePath("/my run"))
    pool.report_unknown_keys()
    return read, [f"{problem.key}: {problem.message}" for problem in pool.report.problems]


def test_the_short_form_takes_addresses() -> None:
    backends, problems = _read("127.0.0.1:1", "db:2", "unix:a.sock")
    assert backends == (
        BackendConfig("127.0.0.1:1", parse_address("127.0.0.1:1")),
        BackendConfig("db:2", NamedAddress("db", 2)),
        BackendConfig("unix:a.sock", UnixAddress("/my run/a.sock")),
    )
    assert not problems


def test_the_long_form_takes_tables() -> None:
    backends, problems = _read(
        {"address": "a:1", "name": "one", "weight": 0, "max_connections": 5, "backup": True},
        {"address": "unix:b"},
    )
    assert backends == (
        BackendConfig("one", NamedAddress("a", 1), weight=0, max_connections=5, backup=True),
        BackendConfig("unix:b", UnixAddress("/my run/b")),
    )
    assert not problems


def test_a_pool_uses_one_form() -> None:
    assert _read("a:1", {"address": "b:1"})[1] == [
        "backends: mixes addresses and tables; a pool uses one form"
    ]


def test_at_least_one_backend() -> None:
    assert _read()[1] == ["backends: at least one backend is needed"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("address", "a:0"),
        ("name", "a/b"),
        ("weight", 10**30),
        ("weight", 257),
        ("weight", -1),
        ("max_connections", 0),
        ("backup", "no"),
        ("send_proxy", "v2"),
    ],
)
def test_wrong_values(key: str, value: object) -> None:
    [problem] = _read({"address": "a:1", key: value})[1]
    assert problem.startswith(f"backends[0].{key}: ")


def test_an_address_is_required() -> None:
    assert _read({"name": "a"}) == ((), ["backends[0].address: is required, but missing"])


def test_a_short_form_may_be_wrong_in_each_element() -> None:
    problems = _read("a", 5, "b:1", "c:65536")[1]
    assert [problem.split(":")[0] for problem in problems] == [
        "backends[0]",
        "backends[1]",
        "backends[3]",
    ]


@pytest.mark.parametrize(
    ("first", "second"),
    [("a:1", "A:1"), ("[::1]:1", "[0::1]:1"), ("unix:a", "unix:./a")],
)
def test_an_address_is_unique_in_its_pool(first: str, second: str) -> None:
    [problem] = _read(first, second)[1]
    assert problem.startswith("backends[1]: this pool has a backend at ")


def test_a_name_is_unique_in_its_pool() -> None:
    backends = [{"address": f"{host}:1", "name": "one"} for host in "abc"]
    message = "this pool has a backend named 'one' already"
    assert _read(*backends)[1] == [f"backends[1]: {message}", f"backends[2]: {message}"]


def test_a_name_may_not_be_the_address_of_another() -> None:
    [problem] = _read({"address": "a:1"}, {"address": "b:1", "name": "a:1"})[1]
    assert problem == "backends[1]: this pool has a backend named 'a:1' already"
