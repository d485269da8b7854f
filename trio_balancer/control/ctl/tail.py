"""tail: finished connections, as they end."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

from trio_balancer.control.ctl.arguments import Commands, one_backend, seconds
from trio_balancer.control.ctl.errors import ControlError
from trio_balancer.control.ctl.fields import Json, amount, number, text
from trio_balancer.control.ctl.output import hand_over, say, say_json
from trio_balancer.control.ctl.states import ending_style
from trio_balancer.control.ctl.text import harmless, pad
from trio_balancer.control.ctl.units import UNKNOWN, size, some, took

if TYPE_CHECKING:
    from trio_balancer.control.ctl.session import Session
    from trio_balancer.control.ctl.terminal import Terminal


def add_to(commands: Commands) -> None:
    """Add the command."""
    tail = commands.add(
        "tail", "show finished connections as they end; all filters must fit", _tail
    )
    tail.add_argument("--listener", metavar="LISTENER")
    tail.add_argument("--pool", metavar="POOL")
    tail.add_argument("--backend", metavar="POOL/BACKEND", type=one_backend)
    tail.add_argument(
        "--ending", metavar="XY", help="its two letters, or the first; --ending=-- as well"
    )
    tail.add_argument("--client", metavar="ADDRESS", help="with or without a port")
    tail.add_argument(
        "--min-duration", metavar="TIME", type=seconds, help="lasted so long, like 5s"
    )
    tail.add_argument("--json", action="store_true", help="print JSON, one connection a line")


def _tail(session: Session) -> int:
    given = session.arguments
    endings = session.client.follow(
        "tail",
        listener=given.listener,
        pool=given.pool if given.backend is None else given.backend.pool,
        backend=None if given.backend is None else given.backend.backend,
        # Before Python 3.13 argparse makes nothing of the two hyphens in "--ending=--".
        ending="--" if given.ending == [] else given.ending,
        client=given.client,
        min_duration=given.min_duration,
    )
    write = _write_json if given.json else partial(_write_text, session.terminal)
    for ending in endings:
        write(ending)
        # Whoever reads waits for each line, not for a full buffer.
        hand_over()
    raise ControlError("the balancer closed the connection")


def _write_json(ending: Json) -> None:
    say_json(ending, indent=None)


def _write_text(terminal: Terminal, ending: Json) -> None:
    dropped = number(ending, "dropped")
    if dropped is not None:
        # The balancer keeps no more than a bounded number for a slow reader.
        say(f"({some(dropped, 'connection')} left out: they ended faster than they were read)")
    else:
        say(write_ending(ending, terminal))


def write_ending(ending: Json, terminal: Terminal) -> str:
    """Write one finished connection: when, how, who, where, how long, how much, why.

    The time is local, of the end.
    """
    letters = harmless(text(ending, "ending"))
    told = [
        _time(ending),
        terminal.paint(letters, ending_style(letters)),
        pad(harmless(text(ending, "client")), _CLIENT),
        harmless(f"{text(ending, 'listener')} → {_server(ending)}"),
        took(number(ending, "total_time")),
        f"{size(number(ending, 'bytes_up'))} up",
        f"{size(number(ending, 'bytes_down'))} down",
        harmless(text(ending, "reason")),
    ]
    return "  ".join(told).rstrip(" ")


# As much as an IPv4 address and its port take.
_CLIENT = 21


def _time(ending: Json) -> str:
    ended_at = amount(ending, "accepted_at") + amount(ending, "total_time")
    return f"{datetime.fromtimestamp(ended_at).astimezone():%H:%M:%S.%f}"[:-3]


def _server(ending: Json) -> str:
    pool, backend = text(ending, "pool"), text(ending, "backend")
    return f"{pool}/{backend}" if backend else pool or UNKNOWN
