"""What a fault does, as frozen values: its type and its attributes.

Types, attributes, units and defaults are those of Toxiproxy (github.com/Shopify/toxiproxy, which
calls a fault a toxic), and so that its clients can be used: `latency`, `jitter`, `timeout` and
most others are milliseconds, `Slicer.delay` is microseconds, `rate` is kilobytes (1000 bytes) a
second. Every attribute is checked when a value is made; a wrong one raises ValueError.
"""

from __future__ import annotations

from typing import Any, ClassVar, TypeAlias

import attrs

from trio_balancer.config.values import Parser, number, whole

#: Where an attribute keeps the parser of its value, in its metadata.
PARSE = "parse"

# Ten thousand days of milliseconds, a terabyte a second.
_LONGEST = 1e12
_MOST_BYTES = 2**63 - 1
_BITS = 8


def amount(value: object) -> float:
    """Parse a number that is not negative; it stays whole where it is, as clients expect."""
    parsed = number(0, _LONGEST)(value)
    return int(parsed) if isinstance(value, int) else parsed


def _attribute(parse: Parser[Any], default: float) -> Any:  # noqa: ANN401 - as attrs.field itself
    def check(_effect: object, _attribute: object, value: object) -> None:
        parse(value)

    return attrs.field(default=default, validator=check, metadata={PARSE: parse})


def _amount() -> Any:  # noqa: ANN401 - as attrs.field itself
    return _attribute(amount, 0)


@attrs.frozen
class Latency:
    """Each piece arrives `latency` ms later, give or take up to `jitter` ms; in order."""

    type: ClassVar = "latency"
    latency: float = _amount()
    jitter: float = _amount()


@attrs.frozen
class Bandwidth:
    """At most `rate` KB pass in a second; with a rate of 0 nothing does."""

    type: ClassVar = "bandwidth"
    rate: float = _amount()


@attrs.frozen
class SlowClose:
    """The end-of-file comes `delay` ms late."""

    type: ClassVar = "slow_close"
    delay: float = _amount()


@attrs.frozen
class Timeout:
    """What comes is dropped; after `timeout` ms without any the connection is closed.

    0: it stays, as silent as a black hole. Taking the fault away closes it too: bytes are missing.
    """

    type: ClassVar = "timeout"
    timeout: float = _amount()


@attrs.frozen
class ResetPeer:
    """Both sides are reset, `timeout` ms after the first piece has come."""

    type: ClassVar = "reset_peer"
    timeout: float = _amount()


@attrs.frozen
class Slicer:
    """Pieces are cut into small ones, of `average_size` bytes give or take `size_variation`.

    `delay` is the pause between them, in microseconds. With an average of 0 nothing is cut.
    """

    type: ClassVar = "slicer"
    average_size: int = _attribute(whole(0), 0)
    size_variation: int = _attribute(whole(0), 0)
    delay: float = _amount()


@attrs.frozen
class LimitData:
    """After so many bytes the connection is closed."""

    type: ClassVar = "limit_data"
    bytes: int = _attribute(whole(0, _MOST_BYTES), 0)


@attrs.frozen
class PacketLoss:
    """Of the segments a share of `loss_rate` is lost; what follows waits until they are sent anew.

    That is after 200 ms, 400 ms more if it is lost again, and so on, as TCP does. With a
    `correlation` above 0 the next one is lost likelier after one that was.
    """

    type: ClassVar = "packet_loss"
    loss_rate: float = _attribute(number(0, 1), 0.1)
    correlation: float = _attribute(number(0, 1), 0.0)


@attrs.frozen
class Corrupt:
    """Each byte is hit with this `probability`; then so many of its `bits` are flipped."""

    type: ClassVar = "corrupt"
    probability: float = _attribute(number(0, 1), 0.01)
    bits: int = _attribute(whole(1, _BITS), 1)


@attrs.frozen
class Reset:
    """Both sides are reset at once, or after `timeout` ms, whether anything comes or not."""

    type: ClassVar = "reset"
    timeout: float = _amount()


@attrs.frozen
class HalfClose:
    """The end-of-file comes at once, or after `delay` ms, whatever the sender wants to send."""

    type: ClassVar = "half_close"
    delay: float = _amount()


@attrs.frozen
class Stall:
    """Nothing passes for `duration` ms, for good with 0; nothing is lost."""

    type: ClassVar = "stall"
    duration: float = _amount()


@attrs.frozen
class Refuse:
    """Connecting fails: a listener's client is reset, a pool's backend refuses."""

    type: ClassVar = "refuse"


@attrs.frozen
class Delay:
    """Connecting takes `delay` ms longer, give or take up to `jitter` ms.

    Longer than the pool's `connect_timeout`, it looks like a host that does not answer.
    """

    type: ClassVar = "delay"
    delay: float = _amount()
    jitter: float = _amount()


@attrs.frozen
class Noop:
    """Nothing happens, but for what it costs that bytes do not go the fastest way."""

    type: ClassVar = "noop"


AtConnect: TypeAlias = Refuse | Delay
OnTheWay: TypeAlias = (
    Latency
    | Bandwidth
    | SlowClose
    | Timeout
    | ResetPeer
    | Slicer
    | LimitData
    | PacketLoss
    | Corrupt
    | Reset
    | HalfClose
    | Stall
    | Noop
)
Effect: TypeAlias = OnTheWay | AtConnect

EFFECTS: dict[str, type[Effect]] = {
    effect.type: effect
    for effect in (
        Latency,
        Bandwidth,
        SlowClose,
        Timeout,
        ResetPeer,
        Slicer,
        LimitData,
        PacketLoss,
        Corrupt,
        Reset,
        HalfClose,
        Stall,
        Refuse,
        Delay,
        Noop,
    )
}
