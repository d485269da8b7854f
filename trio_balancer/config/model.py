"""What a valid configuration says, as frozen values.

Durations are seconds, `math.inf` where the file says "off"; sizes are bytes. Every name is the
file's own key, so that a reader of one knows the other.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from enum import Enum
from functools import cached_property

import attrs

from trio_balancer.config.model_access import AccessConfig
from trio_balancer.config.model_admin import AdminConfig
from trio_balancer.config.model_control import ControlConfig
from trio_balancer.config.model_faults import Fault
from trio_balancer.config.model_filters import FilterConfig
from trio_balancer.config.model_health import HealthConfig, OutlierConfig
from trio_balancer.config.model_proxy import ProxyProtocolConfig, SendProxyConfig
from trio_balancer.config.model_routes import RouteConfig
from trio_balancer.config.model_tls import ListenerTls, PoolTls
from trio_balancer.wire.address import IP, Address, ListenAddress, inet_address


class Overflow(Enum):
    """What becomes of a client that arrives when a limit is reached."""

    WAIT = "wait"
    REJECT = "reject"


class RelayKind(Enum):
    """How bytes move between two plain sockets."""

    AUTO = "auto"
    EPOLL = "epoll"
    PORTABLE = "portable"


class LogFormat(Enum):
    """How a log line is written."""

    TEXT = "text"
    JSON = "json"
    HAPROXY = "haproxy"


class LogLevel(Enum):
    """The least severe line that is written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Policy(Enum):
    """The selector of a pool."""

    ROUND_ROBIN = "round-robin"
    LEAST_CONNECTIONS = "least-connections"
    RANDOM = "random"
    RANDOM_TWO = "random-two"
    SOURCE_HASH = "source-hash"
    FIRST = "first"
    PEAK_EWMA = "peak-ewma"


class WhenDown(Enum):
    """What becomes of a client when no backend of its pool is up."""

    FAIL = "fail"
    PANIC = "panic"
    HOLD = "hold"


@attrs.frozen
class BalancerConfig:
    """`[balancer]`: what holds for the whole process.

    `user` and `group` are names of accounts: who the process becomes once all is bound.
    `fault_buffer` is how many bytes faults may hold of each way of a connection.
    """

    max_connections: int | None = None
    overflow: Overflow = Overflow.WAIT
    backlog: int = 4096
    drain_timeout: float = 30.0
    pre_stop_delay: float = 0.0
    relay: RelayKind = RelayKind.AUTO
    splice: bool = True
    user: str | None = None
    group: str | None = None
    faults: bool = False
    fault_buffer: int = 8 * 1024 * 1024


@attrs.frozen
class LogConfig:
    """`[log]`: where the log goes ("-": standard output) and how it looks."""

    format: LogFormat = LogFormat.TEXT
    level: LogLevel = LogLevel.INFO
    file: str = "-"
    connections: bool = True


@attrs.frozen
class ListenerConfig:
    """`[listeners.NAME]`; `mode` is the file mode of its Unix sockets.

    `pool` is None where only `routes` lead somewhere; `filter_buffer` is what each filter may hold
    of a connection, in bytes. With `close_when_down`, its ports refuse clients while no backend
    of its pools is up. `made_by_api` is for Toxiproxy's proxies, and no key of the file: a client
    that no backend could be reached for is closed, not reset.
    """

    name: str
    bind: tuple[ListenAddress, ...]
    pool: str | None
    mode: int | None = None
    max_connections: int | None = None
    overflow: Overflow | None = None
    handshake_timeout: float = 5.0
    idle_timeout: float = 600.0
    half_close_timeout: float = 30.0
    lifetime: float = math.inf
    lifetime_jitter: float = 0.1
    v6only: bool = False
    user_timeout: float = math.inf
    keepalive: float = 60.0
    close_when_down: bool = False
    access: AccessConfig | None = None
    proxy_protocol: ProxyProtocolConfig | None = None
    tls: ListenerTls | None = None
    routes: tuple[RouteConfig, ...] = ()
    filters: tuple[FilterConfig, ...] = ()
    filter_buffer: int = 1024 * 1024
    faults: tuple[Fault, ...] = ()
    made_by_api: bool = False


@attrs.frozen
class BackendConfig:
    """One entry of a pool's `backends`."""

    name: str
    address: Address
    weight: int = 1
    max_connections: int | None = None
    backup: bool = False


#: The one backend of a pool with `backends = "original-destination"`. It is at no address, which
#: HAProxy writes as 0.0.0.0 too.
ORIGINAL_DESTINATION_BACKEND = BackendConfig("original-destination", inet_address("0.0.0.0", 0))


@attrs.frozen
class PoolConfig:
    """`[pools.NAME]`; `connect_attempts` is None for "all", `outlier` None where there is none.

    `source` has at most one address of each IP version, to dial from. While no backend of a
    `required` pool is up, the balancer says that it is not ready.
    """

    name: str
    backends: tuple[BackendConfig, ...]
    policy: Policy = Policy.ROUND_ROBIN
    connect_timeout: float = 5.0
    connect_attempts: int | None = 3
    when_down: WhenDown = WhenDown.FAIL
    hold_timeout: float = 30.0
    queue_timeout: float = 5.0
    queue_limit: int = 1000
    slow_start: float = 0.0
    drop_when_down: bool = False
    required: bool = False
    resolve_interval: float = 30.0
    source: tuple[IP, ...] = ()
    send_proxy: SendProxyConfig | None = None
    tls: PoolTls | None = None
    health: HealthConfig = attrs.Factory(HealthConfig)
    outlier: OutlierConfig | None = None
    faults: tuple[Fault, ...] = ()

    @cached_property
    def to_original_destination(self) -> bool:
        """Whether it dials where each client was going before a firewall redirected it."""
        return self.backends[:1] == (ORIGINAL_DESTINATION_BACKEND,)


@attrs.frozen
class Config:
    """A whole, valid configuration; the mappings keep the file's order."""

    listeners: Mapping[str, ListenerConfig]
    pools: Mapping[str, PoolConfig]
    balancer: BalancerConfig = BalancerConfig()
    log: LogConfig = LogConfig()
    admin: AdminConfig | None = None
    control: ControlConfig | None = None
