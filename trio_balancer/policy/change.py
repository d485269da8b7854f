"""A change of a backend's state, as news for logs and for whoever ends its connections."""

from __future__ import annotations

import attrs

from trio_balancer.policy.backend import Backend
from trio_balancer.policy.state import State


@attrs.frozen
class Change:
    """One visible change; `detail` is what a passed check said, `at` monotonic seconds."""

    pool: str
    backend: Backend
    before: State
    after: State
    reason: str
    detail: str
    at: float
