"""The tables of listeners and backends, for `status` and `top`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trio_balancer.control.ctl.fields import Json, amount, flag, number, part, text, texts
from trio_balancer.control.ctl.states import state_cell
from trio_balancer.control.ctl.table import Cell, Column
from trio_balancer.control.ctl.terminal import Style
from trio_balancer.control.ctl.text import fit_address, fit_addresses, fit_place
from trio_balancer.control.ctl.units import age, size, took, whole

if TYPE_CHECKING:
    from collections.abc import Callable


@attrs.frozen
class Backend:
    """A backend in the status, and the name of its pool."""

    pool: str
    data: Json

    @property
    def name(self) -> str:
        """Its name in the pool."""
        return text(self.data, "name")

    @property
    def errors(self) -> float:
        """Dials that failed, and connections that it reset."""
        return amount(self.data, "dial_failures") + amount(self.data, "resets")


def why(data: Json) -> str:
    """Say why a backend is in its state, as short as can be."""
    last = part(data, "check")
    told = text(data, "reason")
    if not told and last.get("passed") is False:
        # Not often enough in a row to be down.
        told = f"check failed: {text(last, 'detail')}"
    return f"backup; {told}".removesuffix("; ") if flag(data, "backup") else told


def _of(show: Callable[[Json], str]) -> Callable[[Backend], Cell]:
    return lambda backend: Cell(show(backend.data))


def _count(key: str) -> Callable[[Json], str]:
    return lambda data: whole(number(data, key))


def _limited(data: Json) -> str:
    """Write how many connections are there, and how many may be: "12/200"."""
    limit = number(data, "limit" if "limit" in data else "max_connections")
    active = whole(number(data, "active"))
    return active if limit is None else f"{active}/{limit:.0f}"


def _weight(data: Json) -> str:
    """Write the weight, and the file's where an operator has set another: "5 (10)"."""
    weight, configured = number(data, "weight"), number(data, "configured_weight")
    return whole(weight) if weight == configured else f"{whole(weight)} ({whole(configured)})"


def _address(data: Json) -> str:
    address = text(data, "address")
    return "" if address == text(data, "name") else address


def _errors(backend: Backend) -> Cell:
    return Cell(whole(backend.errors), Style.WARN if backend.errors else Style.PLAIN)


def _bytes(key: str) -> Callable[[Json], str]:
    return lambda data: size(number(data, key))


def _time(key: str) -> Callable[[Json], str]:
    return lambda data: took(number(data, key))


def _age(data: Json) -> str:
    return age(number(data, "in_state_for"))


def _show(show: Callable[[Json], str]) -> Callable[[Json], Cell]:
    return lambda data: Cell(show(data))


def _removed(data: Json) -> str:
    name = text(data, "name")
    is_listener = text(data, "what") == "listener"
    return f"listener {name}" if is_listener else f"{text(data, 'pool')}/{name}"


# What cut columns keep: names stay apart, and the reason "Connection refused" stays whole.
_LEAST_NAME = 24
_LEAST_PLACE = 32
_LEAST_ADDRESS = 21
_LEAST_WHY = 18

NAME = Column[Backend]("BACKEND", lambda each: Cell(each.name), least=_LEAST_NAME, cut=fit_address)
FULL_NAME = Column[Backend](
    "POOL/BACKEND",
    lambda each: Cell(f"{each.pool}/{each.name}"),
    least=_LEAST_PLACE,
    cut=fit_place,
)

BACKENDS = (
    Column[Backend]("ADDRESS", _of(_address), drop=7, least=_LEAST_ADDRESS, cut=fit_address),
    Column[Backend]("STATE", lambda each: state_cell(each.data)),
    Column[Backend]("FOR", _of(_age), right=True, drop=2),
    Column[Backend]("WEIGHT", _of(_weight), right=True, drop=4),
    Column[Backend]("ACTIVE", _of(_limited), right=True),
    Column[Backend]("RATE", _of(_count("rate")), right=True),
    Column[Backend]("TOTAL", _of(_count("total")), right=True, drop=5),
    Column[Backend]("ERRORS", _errors, right=True, drop=1),
    Column[Backend]("P50", _of(_time("connect_p50")), right=True, drop=6),
    Column[Backend]("P99", _of(_time("connect_p99")), right=True, drop=3),
    Column[Backend]("BYTES UP", _of(_bytes("bytes_up")), right=True, drop=8),
    Column[Backend]("BYTES DOWN", _of(_bytes("bytes_down")), right=True, drop=8),
    Column[Backend]("WHY", _of(why), least=_LEAST_WHY),
)

LEAVING = (
    Column[Json]("REMOVED", lambda each: Cell(_removed(each)), least=_LEAST_PLACE, cut=fit_place),
    Column[Json](
        "ADDRESS",
        _show(lambda data: text(data, "address")),
        least=_LEAST_ADDRESS,
        cut=fit_address,
    ),
    Column[Json]("STILL ACTIVE", _show(_count("active")), right=True),
)

LISTENERS = (
    Column[Json]("LISTENER", lambda each: Cell(text(each, "name")), least=_LEAST_NAME),
    Column[Json](
        "ADDRESS",
        lambda each: Cell(" ".join(texts(each, "addresses"))),
        least=_LEAST_ADDRESS,
        cut=fit_addresses,
    ),
    Column[Json]("POOL", lambda each: Cell(text(each, "pool")), drop=1, least=_LEAST_NAME),
    Column[Json]("STATE", state_cell),
    Column[Json]("ACTIVE", _show(_limited), right=True),
    Column[Json]("RATE", _show(_count("rate")), right=True),
    Column[Json]("ACCEPTED", _show(_count("accepted")), right=True),
    Column[Json]("REFUSED", _show(_count("refused")), right=True, drop=2),
    Column[Json]("BYTES UP", _show(_bytes("bytes_up")), right=True, drop=3),
    Column[Json]("BYTES DOWN", _show(_bytes("bytes_down")), right=True, drop=3),
)
