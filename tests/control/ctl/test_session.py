from __future__ import annotations

from argparse import Namespace
from pathlib import Path

import pytest

from trio_balancer.control.ctl.errors import UsageError
from trio_balancer.control.ctl.session import Session
from trio_balancer.control.ctl.terminal import Terminal


@pytest.fixture(autouse=True)
def _no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TRIO_BALANCER_SOCKET", raising=False)


def test_the_client_knows_the_socket_and_its_patience() -> None:
    session = Session(Namespace(socket="/run/b.sock", config=None, timeout=5.0))
    assert (session.client.path, session.client.timeout) == ("/run/b.sock", 5.0)


def test_the_socket_may_be_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRIO_BALANCER_SOCKET", "/run/b.sock")
    session = Session(Namespace(socket=None, config=None, timeout=5.0))
    assert session.client.path == "/run/b.sock"


def test_the_socket_may_be_in_the_configuration(tmp_path: Path) -> None:
    config = tmp_path / "balancer.toml"
    config.write_text('[control]\nsocket = "b.sock"\n')
    session = Session(Namespace(socket=None, config=config, timeout=5.0))
    assert session.client.path == str(tmp_path / "b.sock")


def test_without_a_socket_the_user_is_told_how_to_name_it() -> None:
    session = Session(Namespace(socket=None, config=None, timeout=5.0))
    with pytest.raises(UsageError, match="--socket PATH or by TRIO_BALANCER_SOCKET"):
        _ = session.client


def test_a_captured_output_is_no_terminal() -> None:
    assert Session(Namespace()).terminal == Terminal()


def test_a_sentence_is_harmless_and_json_is_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert Session(Namespace(json=False)).tell({"a": 1}, "\x1b is ready") == 0
    assert Session(Namespace(json=True)).tell({"a": 1}, "") == 0
    assert capsys.readouterr().out == '\\x1b is ready\n{\n  "a": 1\n}\n'
