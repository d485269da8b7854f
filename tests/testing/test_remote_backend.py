from __future__ import annotations

import pytest

from trio_balancer.testing.remote_backend import RemoteBackend
from trio_balancer.testing.remote_harness import open_in_thread


def test_what_only_a_spawned_server_has() -> None:
    with open_in_thread(["127.0.0.1:1"], None, ()) as (harness, portal):
        backend = RemoteBackend(harness.backend(0), portal)
        for ask in (backend.output, lambda: backend.running):
            with pytest.raises(TypeError, match="was not started by spawn"):
                ask()
