from __future__ import annotations

from pathlib import Path

import pytest
from support.process import config_text

from trio_balancer.arguments import TOXIPROXY, parse_arguments, read_config
from trio_balancer.config import ConfigError
from trio_balancer.testing.toxiproxy import extra


def test_toxiproxy_alone_is_at_its_usual_address() -> None:
    arguments = parse_arguments(["--toxiproxy"])
    assert arguments.config is None
    assert arguments.toxiproxy.url == f"http://{TOXIPROXY}"


def test_another_address() -> None:
    assert parse_arguments(["--toxiproxy-bind", "[::1]:1"]).toxiproxy.url == "http://[::1]:1"


def test_without_it_there_is_none() -> None:
    assert parse_arguments(["a.toml"]).toxiproxy is None


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ([], "required: CONFIG"),
        (["--toxiproxy", "--check"], "required: CONFIG"),
        (["--toxiproxy", "--demo"], "required: CONFIG"),
        (["--toxiproxy-bind", "8474"], "--toxiproxy-bind: '8474' is not an address"),
        (["--ready-fd", "no", "a.toml"], "'no' is not an open file descriptor"),
    ],
)
def test_what_is_wrong_is_told(
    given: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        parse_arguments(given)
    assert caught.value.code == 2
    assert told in capsys.readouterr().err


def test_it_allows_faults(tmp_path: Path) -> None:
    file = tmp_path / "a.toml"
    file.write_text(config_text(1))
    assert read_config(parse_arguments(["--toxiproxy", str(file)])).balancer.faults
    assert not read_config(parse_arguments([str(file)])).balancer.faults


def test_a_file_is_not_needed() -> None:
    config = read_config(parse_arguments(["--toxiproxy", "--log-format=json", "--log-level=error"]))
    assert (config.listeners, config.log.format.value, config.log.level.value) == (
        {},
        "json",
        "error",
    )


def test_its_extra_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extra, "PACKAGE", "no_such_package")
    with pytest.raises(ConfigError, match="pip install"):
        read_config(parse_arguments(["--toxiproxy"]))
