"""What a reload takes over besides sockets, pools and limits: certificates, filters, the log."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import pytest
import trio
from support.certificates import Authority
from support.world import BACKEND, FRONT, NO_CHECKS, OTHER, World, finish, make_config

from trio_balancer import Config, ConfigError, parse_config, serve
from trio_balancer.network.tls_client import ClientTls
from trio_balancer.network.tls_errors import TlsError
from trio_balancer.testing import MemoryNetwork

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trio.testing import MockClock

    from trio_balancer import Balancer
    from trio_balancer.config.model import PoolConfig
    from trio_balancer.config.model_tls import CertificateFiles


def recording(path: Path, more: str = "") -> Config:
    return make_config(
        more=f'{NO_CHECKS}[[listeners.web.filters]]\nuse = "record"\nfile = "{path}"\n{more}'
    )


def recorded(path: Path) -> set[int]:
    """Return the numbers of the connections that a file tells of."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {json.loads(line)["connection"] for line in lines}


async def test_filters_that_have_not_changed_go_on(
    autojump_clock: MockClock, world: World, tmp_path: Path
) -> None:
    await world.server(BACKEND)
    await world.serve(recording(tmp_path / "a"))
    filters = world.balancer.gates["web"].listener.terms.filters
    await world.balancer.reload(attrs.evolve(recording(tmp_path / "a"), pools=shorter()))
    assert world.balancer.gates["web"].listener.terms.filters is filters
    await finish(await world.client())
    assert recorded(tmp_path / "a") == {1}


def shorter() -> Mapping[str, PoolConfig]:
    return make_config(pool="queue_limit = 3").pools


async def test_other_filters_are_for_those_who_come_later(
    autojump_clock: MockClock, world: World, tmp_path: Path
) -> None:
    await world.server(BACKEND)
    await world.serve(recording(tmp_path / "a"))
    first = await world.client()
    await world.balancer.reload(recording(tmp_path / "b"))
    second = await world.client()
    await world.balancer.reload(make_config())
    third = await world.client()
    for client in (first, second, third):
        await finish(client)
    assert (recorded(tmp_path / "a"), recorded(tmp_path / "b")) == ({1}, {2})


async def test_the_files_of_filters_are_closed_with_the_last_connection(
    autojump_clock: MockClock, world: World, tmp_path: Path
) -> None:
    await world.server(BACKEND)
    await world.serve(recording(tmp_path / "a"))
    filters = world.balancer.gates["web"].listener.terms.filters
    assert filters is not None
    (file,) = filters._files
    client = await world.client()
    listeners = {"site": attrs.evolve(make_config().listeners["web"], name="site")}
    await world.balancer.reload(attrs.evolve(make_config(), listeners=listeners))
    assert file.is_open
    await finish(client)
    assert not file.is_open


async def test_filters_that_cannot_be_made_change_nothing(
    autojump_clock: MockClock, world: World, tmp_path: Path
) -> None:
    await world.serve(recording(tmp_path / "a"))
    with pytest.raises(ConfigError, match="cannot be written"):
        await world.balancer.reload(recording(tmp_path / "missing" / "b"))
    filters = world.balancer.gates["web"].listener.terms.filters
    assert filters is not None
    assert filters._files[0].is_open


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


def terminating(files: CertificateFiles) -> Config:
    tls = f'[{{ cert = "{files.cert}", key = "{files.key}" }}]'
    return make_config(more=f"{NO_CHECKS}[listeners.web.tls]\ncertificates = {tls}\n")


def replace_files(old: CertificateFiles, new: CertificateFiles) -> None:
    for source, target in ((new.cert, old.cert), (new.key, old.key)):
        Path(target).write_bytes(Path(source).read_bytes())


async def test_certificates_are_read_again_and_nobody_is_dropped(
    autojump_clock: MockClock, world: World, authority: Authority
) -> None:
    await world.server(BACKEND)
    files = authority.issue("old.example")
    await world.serve(terminating(files))
    old = await ClientTls(authority.pool()).connect(await world.client(), "old.example")
    replace_files(files, authority.issue("new.example"))
    changes = await world.balancer.reload(terminating(files))
    assert str(changes).endswith(f"backends +0 ~0 -0; renewed files {files.cert}, {files.key}")
    assert not (await world.balancer.reload(terminating(files))).files
    new = await ClientTls(authority.pool()).connect(await world.client(), "new.example")
    with pytest.raises(TlsError):
        await ClientTls(authority.pool()).connect(await world.client(), "old.example")
    for client in (old, new):
        await client.send_all(b"ping")
        assert await client.receive_some() == b"ping"


async def test_who_is_greeted_goes_to_the_pool_it_came_for(
    autojump_clock: MockClock, world: World
) -> None:
    """Its listener leads elsewhere by the time that it has said who it is."""
    first, second = await world.server(BACKEND), await world.server(OTHER)
    routes = '[[listeners.web.routes]]\nplain = true\npool = "{0}"\n'

    def config(name: str, backend: object) -> Config:
        return parse_config(
            f'[listeners.web]\nbind = "{FRONT}"\npool = "{name}"\n{routes.format(name)}'
            f'[pools.{name}]\nbackends = ["{backend}"]\nhealth = {{ type = "none" }}\n'
        )

    await world.serve(config("app", BACKEND))
    client = await world.client()
    await world.balancer.reload(config("shop", OTHER))
    later = await world.client()
    for each in (client, later):
        await each.send_all(b"GET / HTTP/1.0\r\n\r\n")
        assert await each.receive_some() == b"GET / HTTP/1.0\r\n\r\n"
    assert (len(first.streams), len(second.streams)) == (1, 1)
    await finish(client)
    await finish(later)
    assert [record.pool for record in world.records] == ["app", "shop"]


# The log's file: these balancers have no sink of their own.


async def serve_with(nursery: trio.Nursery, network: MemoryNetwork, config: Config) -> Balancer:
    async def run(*, task_status: trio.TaskStatus[Balancer]) -> None:
        await serve(config, network=network, task_status=task_status)

    balancer: Balancer = await nursery.start(run)
    return balancer


def logging_to(path: Path) -> Config:
    return parse_config(
        f'[log]\nfile = "{path}"\n[listeners.web]\nbind = "{FRONT}"\npool = "app"\n'
        f'[pools.app]\nbackends = ["{BACKEND}"]\n{NO_CHECKS}'
    )


async def test_a_log_file_is_opened_anew_and_another_one_instead(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    network = MemoryNetwork()
    first, second = tmp_path / "first", tmp_path / "second"
    balancer = await serve_with(nursery, network, logging_to(first))
    first.rename(tmp_path / "rotated")
    await balancer.reload(logging_to(first))
    await balancer.reload(logging_to(second))
    balancer.log.info("Now in the second")
    balancer.drain(0)
    with trio.fail_after(10):
        while not second.exists() or "Stopped" not in second.read_text():  # noqa: ASYNC110  # a thread writes
            await trio.sleep(0.01)
    assert "Listening" in (tmp_path / "rotated").read_text()
    assert "Reloaded" in first.read_text()
    assert "Now in the second" in second.read_text()


async def test_a_log_file_that_cannot_be_opened_changes_nothing(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    network = MemoryNetwork()
    balancer = await serve_with(nursery, network, logging_to(tmp_path / "log"))
    with pytest.raises(OSError, match="cannot be opened"):
        await balancer.reload(logging_to(tmp_path / "missing" / "log"))
    assert balancer.config.log.file == str(tmp_path / "log")
    balancer.drain(0)


async def test_a_log_file_in_use_that_cannot_be_opened_again_goes_on(
    nursery: trio.Nursery, tmp_path: Path
) -> None:
    folder = tmp_path / "logs"
    folder.mkdir()
    config = logging_to(folder / "log")
    balancer = await serve_with(nursery, MemoryNetwork(), config)
    folder.rename(tmp_path / "moved")
    await balancer.reload(config)
    with trio.fail_after(10):
        while "stays as it is" not in (tmp_path / "moved" / "log").read_text():  # noqa: ASYNC110  # likewise
            await trio.sleep(0.01)
    balancer.drain(0)
