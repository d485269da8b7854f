"""The replies to `show servers state` and `show servers conn`.

Source: HAProxy 2.6's management guide, 9.3, under these commands, and what HAProxy 2.6.12 wrote.
Columns are separated by one space; "-" stands for nothing. Each function returns the reply without
the empty line that ends it.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING

import attrs

from trio_balancer.wire.haproxy_checks import CheckStatus
from trio_balancer.wire.haproxy_status import Admin, Operation
from trio_balancer.wire.haproxy_text import one_word

if TYPE_CHECKING:
    from collections.abc import Iterable


# The version of the format of `show servers state`, on its first line.
_VERSION = 1
_STATE_HEADER = (
    "# be_id be_name srv_id srv_name srv_addr srv_op_state srv_admin_state srv_uweight"
    " srv_iweight srv_time_since_last_change srv_check_status srv_check_result srv_check_health"
    " srv_check_state srv_agent_state bk_f_forced_id srv_f_forced_id srv_fqdn srv_port srvrecord"
    " srv_use_ssl srv_check_port srv_check_addr srv_agent_addr srv_agent_port"
)
_CONN_HEADER = (
    "# bkname/svname bkid/svid addr port - purge_delay used_cur used_max need_est unsafe_nb"
    " safe_nb idle_lim idle_cur idle_per_thr[1]"
)


class CheckResult(IntEnum):
    """What the last check says of the server: `srv_check_result`."""

    UNKNOWN = 0
    NEUTRAL = 1
    FAILED = 2
    PASSED = 3
    CONDITIONALLY_PASSED = 4


class CheckState(IntFlag):
    """What the checks do: `srv_check_state` and `srv_agent_state`."""

    RUNNING = 0x01
    CONFIGURED = 0x02
    ENABLED = 0x04
    PAUSED = 0x08
    AGENT = 0x10


NO_CHECK = CheckState(0)


@attrs.frozen
class ServerState:
    """A server, as `show servers state` tells it.

    Numbers of backends and servers are those of `show stat`; `since_change` is in seconds, and
    `name_resolved` the host name where the address comes from one. The other ports and addresses
    are those of checks that go elsewhere. Without checks `check_health` is what "up" would be.
    """

    backend_id: int
    backend: str
    server_id: int
    server: str
    address: str
    port: int
    operation: Operation
    admin: Admin
    weight: int
    initial_weight: int
    since_change: int
    check_status: CheckStatus = CheckStatus.INI
    check_result: CheckResult = CheckResult.UNKNOWN
    check_health: int = 0
    check_state: CheckState = NO_CHECK
    agent_state: CheckState = NO_CHECK
    name_resolved: str = ""
    tls: bool = False
    check_port: int = 0
    check_address: str = ""
    agent_address: str = ""
    agent_port: int = 0


@attrs.frozen
class ServerConnections:
    """A server's connections, as `show servers conn` tells them: `used` now and at most.

    `needed` is how many are likely to be needed soon. The balancer keeps no idle connections, so
    that none of the columns about them can differ.
    """

    backend_id: int
    backend: str
    server_id: int
    server: str
    address: str
    port: int
    used: int
    used_max: int
    needed: int


def servers_state(servers: Iterable[ServerState]) -> str:
    """Write the version, the names of the columns, and a line per server."""
    return "".join([f"{_VERSION}\n{_STATE_HEADER}\n", *map(_state_line, servers)])


def servers_conn(servers: Iterable[ServerConnections]) -> str:
    """Write the names of the columns and a line per server."""
    return "".join([f"{_CONN_HEADER}\n", *map(_conn_line, servers)])


def _state_line(server: ServerState) -> str:
    forced_ids = "0 0"
    checks = (
        f"{server.check_status:d} {server.check_result:d} {server.check_health}"
        f" {server.check_state:d} {server.agent_state:d}"
    )
    elsewhere = (
        f"{server.check_port} {one_word(server.check_address)}"
        f" {one_word(server.agent_address)} {server.agent_port}"
    )
    return (
        f"{server.backend_id} {one_word(server.backend)}"
        f" {server.server_id} {one_word(server.server)} {one_word(server.address)}"
        f" {server.operation:d} {server.admin:d} {server.weight} {server.initial_weight}"
        f" {server.since_change} {checks} {forced_ids} {one_word(server.name_resolved)}"
        f" {server.port} - {server.tls:d} {elsewhere}\n"
    )


def _conn_line(server: ServerConnections) -> str:
    purge_delay_ms = 5000
    idle = "0 0 -1 0 0"
    return (
        f"{one_word(server.backend)}/{one_word(server.server)}"
        f" {server.backend_id}/{server.server_id} {one_word(server.address)} {server.port}"
        f" - {purge_delay_ms} {server.used} {server.used_max} {server.needed} {idle}\n"
    )
