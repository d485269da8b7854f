from __future__ import annotations

import pytest

from trio_balancer.config import ConfigError
from trio_balancer.testing.toxiproxy import extra


def test_it_is_there() -> None:
    extra.check_toxiproxy_extra()


def test_what_to_install_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extra, "PACKAGE", "no_such_package")
    with pytest.raises(ConfigError, match=r"no_such_package.*pip install 'trio-balancer\[toxi"):
        extra.check_toxiproxy_extra()
