"""What went through each proxy, in Prometheus' text format, under Toxiproxy's names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from trio_balancer.flow.listener import Totals
    from trio_balancer.flow.live import Connection
    from trio_balancer.testing.toxiproxy.proxies import Proxies

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_HELP = {
    "toxiproxy_proxy_received_bytes_total": "Bytes received by the proxy",
    "toxiproxy_proxy_sent_bytes_total": "Bytes sent by the proxy",
}
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


@attrs.frozen
class _Bytes:
    """Of one proxy, (upstream, downstream)."""

    received: tuple[int, int]
    sent: tuple[int, int]


def write_metrics(proxies: Proxies) -> str:
    """Write all metrics; those who are connected count with what has passed already."""
    labelled = [(_labels(proxies, name), _count(proxies, name)) for name in proxies.balancer.gates]
    lines = list(_family("toxiproxy_proxy_received_bytes_total", labelled, "received"))
    lines += _family("toxiproxy_proxy_sent_bytes_total", labelled, "sent")
    return "".join(f"{line}\n" for line in lines)


def _family(name: str, labelled: Iterable[tuple[str, _Bytes]], field: str) -> Iterator[str]:
    yield f"# HELP {name} {_HELP[name]}"
    yield f"# TYPE {name} counter"
    for labels, counted in labelled:
        for direction, value in zip(
            ("upstream", "downstream"), getattr(counted, field), strict=True
        ):
            yield f'{name}{{direction="{direction}",{labels}}} {value}'


def _labels(proxies: Proxies, name: str) -> str:
    told = proxies.describe(name)
    labels = {"proxy": name, "listener": told["listen"], "upstream": told["upstream"]}
    return ",".join(f'{key}="{_escape(value)}"' for key, value in labels.items())


def _escape(value: object) -> str:
    return str(value).translate(_ESCAPES)


def _count(proxies: Proxies, name: str) -> _Bytes:
    totals = proxies.balancer.gates[name].listener.totals
    live = proxies.balancer.runtime.connections.values()
    return _add(totals, [each for each in live if each.listener.name == name])


def _add(totals: Totals, live: list[Connection]) -> _Bytes:
    clients = [each.client for each in live]
    backends = [each.backend for each in live if each.backend is not None]
    up, down = totals.bytes_up, totals.bytes_down
    return _Bytes(
        received=(
            up + sum(each.received for each in clients),
            down + sum(each.received for each in backends),
        ),
        sent=(
            up + sum(each.sent for each in backends),
            down + sum(each.sent for each in clients),
        ),
    )
