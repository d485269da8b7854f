from __future__ import annotations

from typing import Any

import pytest
import trio

from trio_balancer.testing.toxiproxy import Toxiproxy, open_toxiproxy

# Toxiproxy's public client for Python, unmodified: pip install toxiproxy-python
client_package = pytest.importorskip("toxiproxy", reason="toxiproxy-python is not installed")


async def test_nothing_is_left_behind() -> None:
    async with open_toxiproxy() as toxiproxy:
        stream = await trio.open_tcp_stream(toxiproxy.host, toxiproxy.port)
    with pytest.raises(OSError, match="all attempts to connect"):
        await trio.open_tcp_stream(toxiproxy.host, toxiproxy.port)
    await stream.aclose()


async def test_what_the_block_raises_leaves_bare() -> None:
    with pytest.raises(ZeroDivisionError):
        async with open_toxiproxy():
            raise ZeroDivisionError


async def test_the_seed_is_that_of_all_toxics() -> None:
    seeds = set()
    for _ in range(2):
        async with open_toxiproxy(seed=5) as toxiproxy:
            faults = toxiproxy.balancer._runner.balancer.faults
            assert faults is not None
            seeds.add(faults.seed)
    assert len(seeds) == 1


async def test_the_client_for_python() -> None:
    async with open_toxiproxy() as toxiproxy:
        # It blocks, so it has a thread of its own.
        await trio.to_thread.run_sync(walk_through, toxiproxy)


def walk_through(toxiproxy: Toxiproxy) -> None:
    server = client_package.Toxiproxy()
    server.update_api_consumer(toxiproxy.host, toxiproxy.port)
    assert server.running()
    assert b"2.12.0" in server.version()
    assert server.proxies() == {}
    proxy = server.create(upstream="localhost:3306", name="mysql", listen="localhost:0")
    walk_through_a_proxy(server, proxy)
    walk_through_its_toxics(server, proxy)
    with pytest.raises(client_package.exceptions.ProxyExists):
        server.create(upstream="localhost:3306", name="mysql")
    off = server.create(upstream="localhost:1", name="off", enabled=False)
    assert server.get_proxy("off").enabled is False
    assert server.destroy(off) is True
    assert server.destroy("off") is False
    listed = [{"name": "mysql", "upstream": "localhost:3306", "listen": proxy.listen}]
    assert server.populate(listed) == []
    [moved] = server.populate([{**listed[0], "upstream": "localhost:3307"}])
    assert moved.upstream == "localhost:3307"
    moved.destroy()
    assert server.get_proxy("mysql") is None
    server.create(upstream="localhost:1", name="last")
    server.destroy_all()
    assert server.proxies() == {}


def walk_through_a_proxy(server: Any, proxy: Any) -> None:  # noqa: ANN401 - it is untyped
    host, port = proxy.listen.split(":")
    assert (host, proxy.name, proxy.upstream) == ("127.0.0.1", "mysql", "localhost:3306")
    connects = client_package.utils.can_connect_to
    assert connects(host, int(port))
    with proxy.down():
        assert not connects(host, int(port))
        assert proxy.enabled is False
        assert server.get_proxy("mysql").enabled is False
        # The port that was picked stays.
        assert server.get_proxy("mysql").listen == proxy.listen
    assert connects(host, int(port))
    proxy.disable()
    proxy.enable()
    assert connects(host, int(port))
    proxy.disable()
    assert server.reset() is True
    assert connects(host, int(port))
    assert server.get_proxy("nobody") is None


def walk_through_its_toxics(server: Any, proxy: Any) -> None:  # noqa: ANN401 - it is untyped
    proxy.add_toxic(type="latency", attributes={"latency": 1000, "jitter": 10})
    proxy.add_toxic(type="bandwidth", name="slow", stream="upstream", toxicity=0.5)
    latency, slow = proxy.get_toxic("latency_downstream"), proxy.get_toxic("slow")
    assert (latency.type, latency.stream, latency.toxicity) == ("latency", "downstream", 1)
    assert latency.attributes == {"latency": 1000, "jitter": 10}
    assert (slow.type, slow.stream, slow.toxicity) == ("bandwidth", "upstream", 0.5)
    assert proxy.toxics().keys() == {"slow", "latency_downstream"}
    assert proxy.get_toxic("nobody") is None
    with pytest.raises(client_package.exceptions.ProxyExists):
        proxy.add_toxic(type="latency")
    for wrong in ({"type": "rot"}, {"type": "latency", "stream": "side"}):
        with pytest.raises(client_package.exceptions.InvalidToxic):
            proxy.add_toxic(**wrong)
    assert proxy.destroy_toxic("slow") is True
    with pytest.raises(client_package.exceptions.NotFound):
        proxy.destroy_toxic("slow")
    assert server.reset() is True
    assert proxy.toxics() == {}
