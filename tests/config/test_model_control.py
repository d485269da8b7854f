from __future__ import annotations

from trio_balancer.config.model_control import ControlConfig, ControlLevel
from trio_balancer.wire.address import UnixAddress


def test_the_owner_and_nobody_else_may_do_anything_unless_told_otherwise() -> None:
    config = ControlConfig(UnixAddress("/run/x"))
    assert (config.level, config.mode) == (ControlLevel.ADMIN, 0o600)


def test_levels_go_up() -> None:
    assert [level.value for level in ControlLevel] == ["user", "operator", "admin"]
