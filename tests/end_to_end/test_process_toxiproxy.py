"""The program with Toxiproxy's API, as CI starts it beside its tests."""

from __future__ import annotations

import json
import re
import signal
import socket
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from support.process import (
    PATIENCE,
    Process,
    balancer,
    config_text,
    environment,
    need,
    wait_until,
)
from support.toxiproxy_program import ANYWHERE, command, without_file

CLIENT = Path(__file__).parents[1] / "support" / "toxiproxy_client.mjs"
WISH = {"name": "mine", "upstream": "127.0.0.1:1"}
FAULT = '[[listeners.web.faults]]\ntype = "noop"\n'


def ask(url: str, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data=data, method=method)  # noqa: S310 - http
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:  # noqa: S310 - http
        return json.loads(answer.read() or b"null")


LISTENING = re.compile(r"Toxiproxy API listening url=(\S+)")


def url_of(process: Process) -> str:
    """Return what the log says; it is written a moment after it was told."""
    wait_until(lambda: LISTENING.search(process.stdout()) is not None)
    return "".join(LISTENING.findall(process.stdout()))


def reload(process: Process) -> None:
    before = process.stdout().count("Reloaded")
    process.signal(signal.SIGHUP)
    wait_until(lambda: process.stdout().count("Reloaded") > before)


def test_what_the_api_has_made_survives_a_reload(tmp_path: Path) -> None:
    text = config_text(1, listener="") + FAULT
    with balancer(tmp_path, text, *ANYWHERE) as process:
        url = url_of(process)
        made = ask(url, "POST", "/proxies", WISH)
        proxies = ask(url, "GET", "/proxies")
        assert proxies["mine"] == made
        assert [each["type"] for each in proxies["web"]["toxics"]] == ["noop"]
        reload(process)
        assert ask(url, "GET", "/proxies") == proxies
        (tmp_path / "balancer.toml").write_text(text.replace("listeners.web", "listeners.other"))
        reload(process)
        assert ask(url, "GET", "/proxies").keys() == {"other", "mine"}


def test_it_needs_no_configuration_and_serves_on_without_a_proxy() -> None:
    with without_file("--set", "log.level=debug") as (process, url):
        for _ in range(2):
            listen = ask(url, "POST", "/proxies", WISH)["listen"]
            host, port = listen.split(":")
            socket.create_connection((host, int(port)), PATIENCE).close()
            ask(url, "DELETE", "/proxies/mine")
            assert ask(url, "GET", "/proxies") == {}
        ask(url, "POST", "/proxies", WISH)
        process.send_signal(signal.SIGHUP)
        assert ask(url, "GET", "/proxies").keys() == {"mine"}
        process.terminate()
        assert process.communicate(timeout=PATIENCE)[1] == ""
        assert process.returncode == 0


def hits(seed: str) -> list[bool]:
    """Tell which of many connections were hit by a toxic for half of them."""
    half = {"type": "refuse", "toxicity": 0.5}
    with without_file("--seed", seed) as (_, url):
        listen = ask(url, "POST", "/proxies", {**WISH, "toxics": [half]})["listen"]
        return [is_reset(listen) for _ in range(20)]


def is_reset(listen: str) -> bool:
    host, port = listen.split(":")
    try:
        with socket.create_connection((host, int(port)), PATIENCE) as client:
            return client.recv(1) != b""
    except ConnectionResetError:
        return True


def test_the_same_seed_hits_the_same_connections() -> None:
    first = hits("5")
    assert set(first) == {True, False}
    assert hits("5") == first
    assert hits("6") != first


def test_an_address_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        run = subprocess.run(
            command("--toxiproxy-bind", address),
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    assert run.returncode == 1
    assert run.stderr.startswith(f"trio-balancer: the Toxiproxy API cannot bind http://{address}")


def test_the_client_for_node(tmp_path: Path) -> None:
    need("node", "npm")
    install = subprocess.run(
        ["npm", "install", "--no-audit", "--no-fund", "toxiproxy-node-client@4.1.0"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if install.returncode:
        pytest.skip(f"npm cannot install the client: {install.stderr[:200]}")
    with without_file() as (_, url):
        run = subprocess.run(
            ["node", str(CLIENT), url],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
    assert (run.returncode, run.stderr) == (0, "")
