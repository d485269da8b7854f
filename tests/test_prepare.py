"""What a configuration only names is loaded, or found wrong, before anything is bound."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.certificates import Authority
from support.world import World, make_config

from trio_balancer import Config, ConfigError
from trio_balancer.config.model import LogConfig
from trio_balancer.flow.filtering import surroundings_of
from trio_balancer.flow.log import Log
from trio_balancer.flow.log_sink import MemorySink
from trio_balancer.prepare import close_all_filters, open_all_filters, prepare

LOG = Log(LogConfig(), MemorySink(), wall_clock=lambda: 0.0, pid=1)
SURROUNDINGS = surroundings_of(LOG, lambda: 0.0)


def secured(folder: Path) -> Config:
    files = Authority(folder).issue("a.example")
    return make_config(
        listener=f'[listeners.web.tls]\ncertificates = [{{ cert = "{files.cert}", '
        f'key = "{files.key}" }}]',
        pool="tls = { verify = false }",
    )


def test_certificates_and_legs_are_loaded(tmp_path: Path) -> None:
    prepared = prepare(secured(tmp_path))
    assert list(prepared.tls) == ["web"]
    assert prepared.legs["app"].tls is not None
    assert len(prepared.files) == 2


def test_where_nothing_is_named_nothing_is_loaded() -> None:
    prepared = prepare(make_config())
    assert not prepared.tls
    assert not prepared.legs
    assert not prepared.files


def test_every_problem_is_told_at_once_with_its_key(tmp_path: Path) -> None:
    config = make_config(
        listener=f"""
        [listeners.web.tls]
        certificates = [{{ cert = "{tmp_path}/none.pem", key = "{tmp_path}/none.key" }}]
        [[listeners.web.filters]]
        use = "no.such.module:Filter"
        """,
        pool=f'tls = {{ ca = "{tmp_path}/none.ca" }}',
    )
    with pytest.raises(ConfigError) as caught:
        prepare(config)
    keys = {problem.key for problem in caught.value.problems}
    assert keys == {
        "listeners.web.tls.certificates[0].cert",
        "listeners.web.tls.certificates[0].key",
        "listeners.web.filters[0]",
        "pools.app.tls.ca",
    }


async def test_serve_finds_them_before_it_binds(world: World, autojump_clock: object) -> None:
    config = make_config(listener='[[listeners.web.filters]]\nuse = "no.such.module:Filter"')
    with pytest.raises(ConfigError, match=r"listeners\.web\.filters"):
        await world.serve(config)


def test_files_of_filters_are_opened_and_closed(tmp_path: Path) -> None:
    file = tmp_path / "talk.jsonl"
    config = make_config(listener=f'[[listeners.web.filters]]\nuse = "record"\nfile = "{file}"')
    prepare(config)
    assert not file.exists()

    opened = open_all_filters(config, SURROUNDINGS)

    assert file.exists()
    close_all_filters(opened)


def test_a_file_that_cannot_be_opened_any_more(tmp_path: Path) -> None:
    config = make_config(
        listener=f'[[listeners.web.filters]]\nuse = "record"\nfile = "{tmp_path}/a/b"'
    )
    with pytest.raises(ConfigError, match=r"listeners\.web\.filters"):
        open_all_filters(config, SURROUNDINGS)
