from __future__ import annotations

import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest
from support.control_server import ControlServer, control_server, line, ok, refused

from trio_balancer.control.ctl.client import Client
from trio_balancer.control.ctl.errors import ControlError

Serve = Callable[[list[bytes]], AbstractContextManager[ControlServer]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "s"


@pytest.fixture
def client(path: Path) -> Client:
    return Client(str(path), 10)


@pytest.fixture
def serve(path: Path) -> Serve:
    return lambda reply: control_server(path, lambda _: reply)


def test_a_request_is_a_line_without_what_was_left_open(client: Client, serve: Serve) -> None:
    with serve(ok({"ended": 3})) as server:
        assert client.ask("kick", pool="app", limit=None) == {"ended": 3}
    assert server.lines == ['{"do": "kick", "pool": "app"}']


def test_a_refusal_is_an_error_with_the_sentence_of_the_balancer(
    client: Client, serve: Serve
) -> None:
    no_pool = refused("no-such-pool", "there is no pool 'ap'")
    with serve(no_pool), pytest.raises(ControlError, match="there is no pool 'ap'") as caught:
        client.ask("kick", pool="ap")
    assert caught.value.code == "no-such-pool"


def test_a_refusal_without_a_reason(client: Client, serve: Serve) -> None:
    with serve([b'{"ok": false}\n']), pytest.raises(ControlError, match="did not say why"):
        client.ask("status")


@pytest.mark.parametrize("reply", [b"Unknown command\n", b"[1]\n", b"[" * 100_000 + b"\n"])
def test_an_answer_that_is_no_json_object(client: Client, serve: Serve, reply: bytes) -> None:
    with serve([reply]), pytest.raises(ControlError, match="its answer is no JSON"):
        client.ask("status")


@pytest.mark.parametrize("reply", [b"", b'{"ok": tr'])
def test_an_answer_that_is_cut_short(client: Client, serve: Serve, reply: bytes) -> None:
    with serve([reply]), pytest.raises(ControlError, match="before its answer was complete"):
        client.ask("status")


def test_a_stream_is_followed_to_its_end(client: Client, serve: Serve) -> None:
    with serve([line({"number": 1}), line({"number": 2})]):
        assert list(client.follow("tail")) == [{"number": 1}, {"number": 2}]


def test_a_stream_may_be_refused(client: Client, serve: Serve) -> None:
    no_filter = refused("bad-value", "no such filter")
    with serve(no_filter), pytest.raises(ControlError, match="no such filter"):
        list(client.follow("tail"))


def test_a_line_is_passed_on_as_it_is(client: Client, serve: Serve) -> None:
    with serve([b"one\ntw", b"o \xff\n", b"end"]) as server:
        assert list(client.pass_on("show stat")) == ["one", "two \ufffd", "end"]
    assert server.lines == ["show stat"]


def test_a_name_need_not_be_utf_8(client: Client, serve: Serve) -> None:
    with serve([]) as server:
        assert list(client.pass_on("\udce9")) == []
    assert server.lines == ["\udce9"]


@pytest.fixture
def deaf(path: Path) -> Iterator[Path]:
    """Accept clients, and never answer."""
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        yield path


def test_patience_has_an_end(deaf: Path) -> None:
    with pytest.raises(ControlError, match=r"did not answer in 0.01 s"):
        Client(str(deaf), 0.01).ask("status")


@pytest.fixture
def crowded(path: Path) -> Iterator[socket.socket]:
    """Listen where nobody more may wait for being accepted."""
    with socket.socket(socket.AF_UNIX) as listening, socket.socket(socket.AF_UNIX) as waiting:
        listening.bind(str(path))
        listening.listen(0)
        waiting.connect(str(path))
        yield listening


def test_behind_others_it_waits(crowded: socket.socket, path: Path) -> None:
    with pytest.raises(ControlError, match=r"did not answer in 0.01 s"):
        Client(str(path), 0.01).ask("status")


def test_it_is_let_in_after_those_before_it(
    crowded: socket.socket, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    accepted = []

    def sleep(_seconds: float) -> None:
        accepted.append(crowded.accept()[0])

    monkeypatch.setattr(time, "sleep", sleep)
    with pytest.raises(ControlError, match=r"did not answer in 0.2 s"):
        Client(str(path), 0.2).ask("status")
    assert len(accepted) == 1
    accepted[0].close()
    client, _ = crowded.accept()
    with client:
        assert client.recv(100) == b'{"do": "status"}\n'


def test_there_is_no_socket(client: Client) -> None:
    with pytest.raises(ControlError, match="there is no such socket; is the balancer running"):
        client.ask("status")


def test_nobody_listens(path: Path, client: Client) -> None:
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    with pytest.raises(ControlError, match="nobody listens there"):
        client.ask("status")


def test_a_path_that_is_too_long(tmp_path: Path) -> None:
    with pytest.raises(ControlError, match="AF_UNIX path too long"):
        Client(str(tmp_path / ("x" * 200)), 1).ask("status")
