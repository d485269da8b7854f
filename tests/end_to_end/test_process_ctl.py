"""trio-balancerctl and a real balancer."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from select import select
from typing import IO

import attrs
import pytest
from support.ctl_process import COMMAND, environment, on_terminal
from support.process import Process, balancer, config_text
from support.servers import connect, echo_server, exchange

from trio_balancer.control.ctl import main


@attrs.define(eq=False)
class Site:
    """A balancer with one backend, and the program that finds it by its configuration."""

    process: Process
    config: Path
    backend: str
    capsys: pytest.CaptureFixture[str]

    def ctl(self, *words: str, status: int = 0) -> str:
        """Run a command, and return what it said or complained of."""
        assert main(["--config", str(self.config), *words]) == status
        out, err = self.capsys.readouterr()
        return out or err

    def backend_now(self) -> dict[str, object]:
        """Return the status of the backend."""
        status = json.loads(self.ctl("status", "--json"))
        backend: dict[str, object] = status["pools"][0]["backends"][0]
        return backend


@pytest.fixture
def site(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Site]:
    with echo_server() as port:
        text = config_text(port) + '[control]\nsocket = "s"\n'
        with balancer(tmp_path, text) as process:
            config = tmp_path / "balancer.toml"
            yield Site(process, config, f"app/127.0.0.1:{port}", capsys)


def test_status_shows_what_happens(site: Site) -> None:
    with connect(site.process.port) as client:
        client.sendall(b"x")
        assert client.recv(1) == b"x"
        said = site.ctl("status")
        number = site.ctl("connections").splitlines()[1].split()[0]
        assert "pool app: round-robin, 1 of 1 backend up, 1 active" in said
        assert site.ctl("kick", number) == "ended 1 connection\n"
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_a_backend_goes_and_comes_back(site: Site) -> None:
    assert site.ctl("drain", site.backend) == f"{site.backend} drains\n"
    assert site.backend_now()["state"] == "drain"
    assert site.ctl("maint", site.backend) == f"{site.backend} is in maintenance\n"
    assert site.backend_now()["state"] == "maintenance"
    assert site.ctl("ready", site.backend) == f"{site.backend} is ready\n"
    assert site.backend_now()["state"] == "up"


def test_a_weight_is_set(site: Site) -> None:
    assert site.ctl("weight", site.backend, "7") == f"{site.backend} has weight 7\n"
    assert site.ctl("weight", site.backend, "300%") == f"{site.backend} has weight 3\n"
    assert site.backend_now()["weight"] == 3
    complaint = site.ctl("weight", site.backend, "257", status=1)
    assert complaint == "trio-balancerctl: a weight is a whole number from 0 to 256\n"


def test_limits(site: Site) -> None:
    assert site.ctl("limit", "--listener", "web", "7") == "web has at most 7 connections\n"
    assert site.ctl("limit", "--backend", site.backend, "1").endswith("at most 1 connection\n")
    assert site.ctl("limit", "--backend", site.backend, "off").endswith("no limit of its own\n")
    assert "the balancer has at most" in site.ctl("limit", "--all", "off")


def test_a_listener_is_disabled_and_enabled(site: Site) -> None:
    assert site.ctl("disable", "web") == "listener web is disabled\n"
    with pytest.raises(ConnectionRefusedError):
        connect(site.process.port)
    assert site.ctl("enable", "web") == "listener web is enabled\n"
    with connect(site.process.port) as client:
        assert exchange(client, b"hello") == b"hello"


def test_a_reload_is_done_or_refused(site: Site) -> None:
    site.config.write_text(site.config.read_text().replace("[balancer]", "[balancer]\nbaklog = 1"))
    complaint = site.ctl("reload", status=1)
    assert "baklog" in complaint
    assert "the last reload changed nothing: " in site.ctl("status")
    site.config.write_text(site.config.read_text().replace("baklog = 1", ""))
    assert site.ctl("reload").startswith("reloaded: listeners +0 ~0 -0")


def test_rebalancing_is_begun(site: Site) -> None:
    said = site.ctl("rebalance", "app", "--over", "60s")
    assert said == "pool app is rebalanced over 60 s\n"
    complaint = site.ctl("rebalance", "ap", "--over", "60s", status=1)
    assert complaint == "trio-balancerctl: there is no pool 'ap'; there is 'app'\n"


def test_a_client_is_explained(site: Site) -> None:
    said = site.ctl("explain", "127.0.0.1", "web")
    assert "at listener web: admitted" in said
    assert f"backend: {site.backend.removeprefix('app/')}, " in said
    assert "is not an address" in site.ctl("explain", "somebody", "web", status=1)


def test_raw_speaks_to_haproxys_command_line(site: Site) -> None:
    assert site.ctl("raw", "show", "backend") == "# name\napp\n\n"
    assert site.ctl("raw", "enable", "server", "app/nobody", status=1) == "No such server.\n\n"
    assert site.ctl("raw", "disable", "server", site.backend) == "\n"
    assert site.backend_now()["state"] == "maintenance"


def test_names_complete(site: Site) -> None:
    said = _complete(site, "maint", "app/")
    assert said == f"{site.backend}\n"


def _complete(site: Site, *words: str) -> str:
    assert main(["__complete", "--config", str(site.config), *words]) == 0
    return site.capsys.readouterr().out


def _first_ending(site: Site, stream: IO[bytes]) -> dict[str, object]:
    """Make connections until one is told of: nobody knows when the program begins to listen."""
    while not select([stream], [], [], 0.05)[0]:
        with connect(site.process.port) as client:
            assert exchange(client, b"hello") == b"hello"
    ending: dict[str, object] = json.loads(stream.readline())
    return ending


def test_tail_shows_connections_as_they_end(site: Site) -> None:
    socket = site.config.parent / "s"
    words = ["tail", "--json", "--ending=--", "--listener", "web", "--client", "127.0.0.1"]
    with subprocess.Popen(
        [*COMMAND, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(socket)
    ) as tail:
        assert tail.stdout is not None
        assert tail.stderr is not None
        ending = _first_ending(site, tail.stdout)
        assert (ending["ending"], ending["bytes_up"]) == ("--", 5)
        assert site.ctl("drain", "--all") == "the balancer drains\n"
        error = json.loads(tail.stderr.read())["error"]
        assert error["message"] == "the balancer closed the connection"
        assert tail.wait() == 1
    assert site.process.wait() == 0


def test_top_is_live(site: Site) -> None:
    with on_terminal(site.config.parent / "s", "top", "--interval", "50ms") as top:
        top.wait_for(f"{site.backend}  up")
        site.ctl("maint", site.backend)
        top.wait_for(f"{site.backend}  maintenance")
        top.press("q")
        assert top.wait_end() == 0
