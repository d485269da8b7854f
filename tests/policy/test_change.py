from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import pytest

from trio_balancer.policy import Change, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from trio_balancer.policy import Backend


def test_news_cannot_be_changed(backends: Callable[..., tuple[Backend, ...]]) -> None:
    change = Change("app", backends(1)[0], State.UP, State.DOWN, "refused", "", 1.0)
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        change.after = State.UP  # type: ignore[misc]  # that it fails is the point
