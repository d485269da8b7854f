"""What `open_balancer` is given, as a configuration."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from pathlib import Path

import attrs

from trio_balancer.config import load_config, parse_config
from trio_balancer.config.model import Config, LogConfig, LogFormat
from trio_balancer.wire.address import Address, parse_address

#: A backend: ("127.0.0.1", 9001), "127.0.0.1:9001" or an address as the balancer has it.
BackendAddress = str | tuple[str, int] | Address
#: TOML text, the path of a file, the tables as a dict, or backends.
ConfigSource = str | PathLike[str] | Mapping[str, object] | Iterable[BackendAddress]
#: The same, or a configuration that was read already.
ConfigOrBackends = Config | ConfigSource

LISTENER = "front"
POOL = "app"

# The log is where the harness hears of changes; one line per connection would tell it nothing.
_LOG = LogConfig(format=LogFormat.JSON, connections=False)
# What a test breaks it means to break: it needs no leave.
_FAULTS = "balancer.faults=true"


def make_config(given: ConfigOrBackends, overrides: Sequence[str] = ()) -> Config:
    """Build the configuration of a balancer under test.

    Backends get a listener "front" on a free port of 127.0.0.1 and a pool "app" without health
    checks. A text is TOML where it has a "=" or is of several lines, else a path. `overrides` are
    `KEY=VALUE` texts, as for `--set`; a `Config` takes none.

    Raises ConfigError, or TypeError for what is none of these.
    """
    if isinstance(given, Config):
        if overrides:
            raise TypeError("overrides go with a text, a file, a dict or backends, not a Config")
        return attrs.evolve(given, log=_LOG)
    return attrs.evolve(_read(given, (_FAULTS, *overrides)), log=_LOG)


def _read(given: ConfigSource, overrides: Sequence[str]) -> Config:
    if isinstance(given, str) and ("=" in given or "\n" in given):
        return parse_config(given, overrides=overrides)
    if isinstance(given, str | PathLike):
        return load_config(Path(given), overrides=overrides)
    if isinstance(given, Mapping):
        return parse_config(_toml(given), source="<dict>", overrides=overrides)
    return _of_backends(list(given), overrides)


def _of_backends(backends: Sequence[BackendAddress], overrides: Sequence[str]) -> Config:
    # A file without a backend is a mistake; here they may come later, by `spawn`.
    listed = [backend_text(backend) for backend in backends] or ["127.0.0.1:1"]
    document = {
        "listeners": {LISTENER: {"bind": "127.0.0.1:0", "pool": POOL}},
        "pools": {POOL: {"backends": listed, "health": {"type": "none"}}},
    }
    config = parse_config(_toml(document), source="<backends>", overrides=overrides)
    if backends:
        return config
    return attrs.evolve(config, pools={POOL: attrs.evolve(config.pools[POOL], backends=())})


def backend_text(backend: BackendAddress) -> str:
    """Write a backend's address as the configuration does."""
    if not isinstance(backend, tuple):
        return str(backend)
    host, port = backend
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def backend_address(backend: BackendAddress) -> Address:
    """Parse a backend's address; raises AddressError (a ValueError)."""
    return parse_address(backend_text(backend))


def _toml(table: Mapping[str, object]) -> str:
    return "\n".join(f"{_string(key)} = {_value(value)}" for key, value in table.items())


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        pairs = (f"{_string(key)} = {_value(each)}" for key, each in value.items())
        return f"{{ {', '.join(pairs)} }}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    raise TypeError(f"a configuration has no place for {value!r}")


def _string(text: str) -> str:
    # JSON's strings are TOML's basic strings, but for DEL, which TOML wants escaped.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
