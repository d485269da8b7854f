"""completion: what a shell offers at Tab.

The shells' functions are small: they ask this program, with `__complete` as its first word, what
may stand where the cursor is. So names of pools and backends are those of the running balancer.
"""

from __future__ import annotations

import argparse
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from trio_balancer.control.ctl.candidates import candidates
from trio_balancer.control.ctl.errors import ControlError, UsageError
from trio_balancer.control.ctl.fields import as_json, parts, text
from trio_balancer.control.ctl.output import say
from trio_balancer.control.ctl.overview import backends_of
from trio_balancer.control.ctl.session import DONE, Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_balancer.control.ctl.arguments import Commands
    from trio_balancer.control.ctl.fields import Json

ASK = "__complete"
_SHELLS = ("bash", "zsh", "fish")
#: Nobody waits longer for what Tab does, in seconds.
_PATIENCE = 2.0


def add_to(commands: Commands) -> None:
    """Add the command."""
    completion = commands.add("completion", "print a script for completion at Tab", _print)
    completion.add_argument("shell", metavar="SHELL", choices=_SHELLS, help=", ".join(_SHELLS))
    completion.epilog = "For bash, in ~/.bashrc: source <(trio-balancerctl completion bash)"


def _print(session: Session) -> int:
    script = files(__package__) / "shells" / f"completion.{session.arguments.shell}"
    say(script.read_text("utf-8").rstrip("\n"))
    return DONE


def complete(program: argparse.ArgumentParser, words: Sequence[str]) -> int:
    """Print what the last of the words may become, one candidate a line."""
    # A name may have any printable letter, but no space and no control character.
    say(*candidates(program, words, _names))
    return DONE


def _names(kind: str, options: dict[str, str]) -> list[str]:
    """Return the names of a kind in the running balancer; none where it cannot be asked."""
    if kind not in _KINDS:
        return []
    config = options.get("config")
    asked = argparse.Namespace(
        socket=options.get("socket"),
        config=None if config is None else Path(config),
        timeout=_PATIENCE,
    )
    try:
        status = as_json(Session(asked).client.ask("status"))
    except (ControlError, UsageError):
        return []
    return _KINDS[kind](status)


def _listeners(status: Json) -> list[str]:
    return [text(listener, "name") for listener in parts(status, "listeners")]


def _pools(status: Json) -> list[str]:
    return [text(pool, "name") for pool in parts(status, "pools")]


def _backends(status: Json) -> list[str]:
    pools = parts(status, "pools")
    return [f"{each.pool}/{each.name}" for pool in pools for each in backends_of(pool)]


def _targets(status: Json) -> list[str]:
    return [*_pools(status), *_backends(status)]


_KINDS = {
    "LISTENER": _listeners,
    "POOL": _pools,
    "POOL/BACKEND": _backends,
    "POOL[/BACKEND]": _targets,
}
