from __future__ import annotations

import os
from functools import partial
from typing import TYPE_CHECKING

import pytest
from support.process import config_text

from trio_balancer import load_config
from trio_balancer.config.model import Config
from trio_balancer.system.rehearsal import rehearse_reload

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TLS = '[listeners.web.tls]\ncertificates = [{ cert = "web.pem", key = "web.key" }]\n'


def loader(tmp_path: Path, *, log: str = "", more: str = "") -> Callable[[], Config]:
    file = tmp_path / "balancer.toml"
    file.write_text(config_text(9, log=log) + more)
    return partial(load_config, file)


def test_all_is_well(tmp_path: Path) -> None:
    assert list(rehearse_reload(loader(tmp_path))) == []
    assert list(rehearse_reload(loader(tmp_path, log='file = "new.log"'))) == []
    assert list(rehearse_reload(loader(tmp_path, log='file = "syslog:/nowhere"'))) == []


def test_a_configuration_that_cannot_be_read(tmp_path: Path) -> None:
    load = partial(load_config, tmp_path / "nowhere.toml")
    [problem] = rehearse_reload(load)
    assert problem.endswith("cannot be read: No such file or directory")


def test_keys_that_cannot_be_read(tmp_path: Path) -> None:
    [*problems] = rehearse_reload(loader(tmp_path, more=TLS))
    assert any("web.pem" in problem for problem in problems)


@pytest.mark.parametrize("exists", [True, False])
def test_a_log_file_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, exists: bool
) -> None:
    asked = []

    def access(path: str, _mode: int) -> bool:
        asked.append(path)
        return False

    log = tmp_path / "balancer.log"
    if exists:
        log.touch()
    monkeypatch.setattr(os, "access", access)
    [problem] = rehearse_reload(loader(tmp_path, log='file = "balancer.log"'))
    assert problem.startswith(f"{log} cannot be written")
    assert asked == [str(log if exists else tmp_path)]
