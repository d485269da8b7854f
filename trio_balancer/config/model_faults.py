"""What a fault is, as frozen values: something done to connections on purpose, in a test."""

from __future__ import annotations

from enum import Enum

import attrs

from trio_balancer.config.model_access import UNIX
from trio_balancer.config.model_effects import Effect
from trio_balancer.config.networks import IPNetwork


class FaultStream(Enum):
    """Which way of a connection a fault is on."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"


@attrs.frozen
class Match:
    """Which connections a fault may meet; by default all.

    The `first` so many, or the `nth` (counted from 1), of those that the rest fits; those that
    are open when the fault is added are counted too, in the order in which they came. `client`
    is a network, or "unix:" for clients without an IP address; `backend` is a name. A fault with
    `after_bytes` begins when so many bytes have passed on its stream.
    """

    first: int | None = None
    nth: int | None = None
    client: IPNetwork | str | None = attrs.field(default=None)
    after_bytes: int = 0
    backend: str | None = None

    @client.validator
    def _check_client(self, _attribute: object, client: IPNetwork | str | None) -> None:
        if isinstance(client, str) and client != UNIX:
            raise ValueError(f"a text as client can only be {UNIX!r}")


@attrs.frozen
class Fault:
    """What is done, to whom, and to which way; `toxicity` is the share of connections it meets."""

    name: str
    effect: Effect
    stream: FaultStream = FaultStream.DOWNSTREAM
    toxicity: float = 1.0
    match: Match = Match()

    @property
    def type(self) -> str:
        """The type's name, as in Toxiproxy."""
        return self.effect.type

    @property
    def attributes(self) -> dict[str, float]:
        """The effect's attributes, by name."""
        return attrs.asdict(self.effect)
