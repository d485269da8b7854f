"""What the same work is done through: the balancer, and its peers, each in one process."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import attrs

import trio_balancer
from benchmarks import peer_configs
from benchmarks.backends import Ports
from benchmarks.processes import find_program, program

#: All ratios are to this one.
REFERENCE = "haproxy"
OURS = "balancer"


@attrs.frozen
class Missing:
    """A peer is not installed; `reason` is a sentence."""

    reason: str


@attrs.frozen
class Peer:
    """A proxy. `version` is None for the one that is none: straight to the backend.

    `command` writes a configuration into a directory and returns what to run.
    """

    name: str
    title: str
    version: Callable[[], str | Missing] | None
    command: Callable[[Path, Ports, Ports], list[str]]


def _balancer(directory: Path, ports: Ports, backend: Ports) -> list[str]:
    config = directory / "balancer.toml"
    config.write_text(peer_configs.balancer(ports, backend))
    return [sys.executable, "-m", "trio_balancer", str(config)]


def _balancer_version() -> str:
    return f"{trio_balancer.__version__} (trio {version('trio')})"


def _haproxy(directory: Path, ports: Ports, backend: Ports) -> list[str]:
    config = directory / "haproxy.cfg"
    config.write_text(peer_configs.haproxy(ports, backend))
    return [program("haproxy"), "-db", "-f", str(config)]


def _haproxy_version() -> str | Missing:
    return program_version("haproxy", "-v")


def _nginx(directory: Path, ports: Ports, backend: Ports) -> list[str]:
    config = directory / "stream.conf"
    module = peer_configs.stream_module(_told_by("nginx", "-V"))
    config.write_text(peer_configs.nginx(directory, module, ports, backend))
    return [program("nginx"), "-e", str(directory / "stream-error.log"), "-c", str(config)]


def _nginx_version() -> str | Missing:
    found = program_version("nginx", "-v")
    if isinstance(found, Missing):
        return found
    module = peer_configs.stream_module(_told_by("nginx", "-V"))
    if module is None or not (module == peer_configs.BUILT_IN or module.exists()):
        return Missing("nginx has no stream module; Debian's package is libnginx-mod-stream")
    return found


def _streams(_directory: Path, ports: Ports, backend: Ports) -> list[str]:
    return [sys.executable, "-m", "benchmarks.proxies.asyncio_streams", *_pairs(ports, backend)]


def _pairs(ports: Ports, backend: Ports) -> list[str]:
    """Return what the small proxies are to do, in their own words."""
    pairs = zip(attrs.astuple(ports), attrs.astuple(backend), strict=True)
    return [f"{listen}:{to}" for listen, to in pairs]


def _uvloop(directory: Path, ports: Ports, backend: Ports) -> list[str]:
    return [*_streams(directory, ports, backend), "--uvloop"]


def _uvloop_version() -> str | Missing:
    if importlib.util.find_spec("uvloop") is None:
        return Missing("uvloop is not installed; it comes with the extra `benchmark`")
    return version("uvloop")


def _python_version() -> str:
    return f"Python {sys.version.split()[0]}"


def _trio(_directory: Path, ports: Ports, backend: Ports) -> list[str]:
    return [sys.executable, "-m", "benchmarks.proxies.trio_streams", *_pairs(ports, backend)]


def _nothing(_directory: Path, _ports: Ports, _backend: Ports) -> list[str]:
    return []


def program_version(name: str, option: str) -> str | Missing:
    """Return the version that a program tells of itself."""
    if find_program(name) is None:
        return Missing(f"{name} is not installed")
    found = re.search(r"\d+\.\d+[\w.+-]*", _told_by(name, option))
    return found[0] if found else "of unknown version"


def _told_by(name: str, option: str) -> str:
    done = subprocess.run(
        [program(name), option], capture_output=True, text=True, check=False, timeout=10
    )
    return done.stdout + done.stderr


PEERS = {
    peer.name: peer
    for peer in (
        Peer(OURS, "trio-balancer", _balancer_version, _balancer),
        Peer(REFERENCE, "HAProxy", _haproxy_version, _haproxy),
        Peer("nginx", "nginx stream", _nginx_version, _nginx),
        Peer("uvloop", "uvloop streams", _uvloop_version, _uvloop),
        Peer("asyncio", "asyncio streams", _python_version, _streams),
        Peer("trio", "trio SocketStream", lambda: version("trio"), _trio),
        Peer("direct", "no proxy", None, _nothing),
    )
}
