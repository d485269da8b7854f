from __future__ import annotations

import trio
from support.api_client import ApiClient

from trio_balancer.testing.toxiproxy import open_toxiproxy
from trio_balancer.testing.toxiproxy.metrics import _escape


async def echo_once(stream: trio.SocketStream) -> None:
    await stream.send_all(2 * await stream.receive_some(100))


async def test_bytes_count_at_once_and_for_good() -> None:
    async with open_toxiproxy() as toxiproxy, trio.open_nursery() as nursery:
        listeners = await nursery.start(trio.serve_tcp, echo_once, 0)
        port = listeners[0].socket.getsockname()[1]
        api = ApiClient.of(toxiproxy)
        reply = await api.ask("POST", "/proxies", {"name": "a", "upstream": f"127.0.0.1:{port}"})
        listen = reply.json["listen"]

        async def metric(name: str) -> str:
            text = (await api.ask("GET", "/metrics")).body.decode()
            [line] = [each for each in text.splitlines() if name in each and each[0] != "#"]
            return line

        host, front = listen.split(":")
        received = 'received_bytes_total{direction="upstream"'
        async with await trio.open_tcp_stream(host, int(front)) as client:
            await client.send_all(b"abc")
            assert await client.receive_some(100) == b"abcabc"
            assert (await metric(received)).endswith("} 3")
        await toxiproxy.balancer.wait(lambda lb: not lb.statistics().active)
        labels = f'proxy="a",listener="{listen}",upstream="127.0.0.1:{port}"'
        assert (await metric(received)).endswith(f'{{direction="upstream",{labels}}} 3')
        assert (await metric('sent_bytes_total{direction="downstream"')).endswith("} 6")
        nursery.cancel_scope.cancel()


def test_labels_are_escaped() -> None:
    assert _escape('a"b\\c') == r"a\"b\\c"
