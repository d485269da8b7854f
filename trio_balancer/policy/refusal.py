"""Why a client is refused: a short word for counts and logs, and a sentence for people."""

from __future__ import annotations

from enum import Enum


class Refusal(Enum):
    """A reason; the values are stable, as metrics and logs show them."""

    DENIED = "denied"
    NOT_ALLOWED = "not-allowed"
    OUTSIDE_HOURS = "outside-hours"
    PER_CLIENT_LIMIT = "per-client-limit"
    PER_CLIENT_RATE = "per-client-rate"
    RATE = "rate"

    @property
    def sentence(self) -> str:
        """What happened, for people."""
        return _SENTENCES[self]


_SENTENCES = {
    Refusal.DENIED: "the client is on the deny list",
    Refusal.NOT_ALLOWED: "the client is not on the allow list",
    Refusal.OUTSIDE_HOURS: "the listener is closed at this hour",
    Refusal.PER_CLIENT_LIMIT: "the client has as many connections as one may have",
    Refusal.PER_CLIENT_RATE: "the client connects faster than one may",
    Refusal.RATE: "all clients together connect faster than they may",
}
