"""HAProxy's commands: the list of all, and how one is done."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trio_balancer.config.model_control import ControlLevel
from trio_balancer.control.errors import OperationError
from trio_balancer.control.haproxy import change, dynamic, listeners, settings, show
from trio_balancer.control.haproxy.catalogue import Catalogue, Entry
from trio_balancer.wire.haproxy_reply import CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_balancer.control.haproxy.session import Session
    from trio_balancer.wire.haproxy_cli import Command

_OPERATOR = ControlLevel.OPERATOR
_ADMIN = ControlLevel.ADMIN


def _help(session: Session, words: Sequence[str]) -> str:
    return CATALOGUE.help(session, words)


CATALOGUE = Catalogue(
    (
        Entry("add server <bk>/<srv> <addr> [opts]", "add a backend", dynamic.add, _ADMIN),
        Entry("clear counters", "forget the highest values", listeners.clear_counters, _OPERATOR),
        Entry("clear counters all", "count anew", listeners.clear_all_counters, _ADMIN),
        Entry("del server <bk>/<srv>", "remove a backend", dynamic.delete, _ADMIN),
        Entry("disable agent <bk>/<srv>", "there are no agents", change.no_agent, _ADMIN),
        Entry("disable frontend <fe>", "close a listener's ports", listeners.disable, _ADMIN),
        Entry("disable health <bk>/<srv>", "cannot be done", change.disable_health, _ADMIN),
        Entry("disable server <bk>/<srv>", "put into maintenance", change.disable_server, _ADMIN),
        Entry("enable agent <bk>/<srv>", "there are no agents", change.no_agent, _ADMIN),
        Entry("enable frontend <fe>", "open a listener's ports", listeners.enable, _ADMIN),
        Entry("enable health <bk>/<srv>", "checks are always on", change.enable_health, _ADMIN),
        Entry("enable server <bk>/<srv>", "end maintenance or drain", change.enable_server, _ADMIN),
        Entry("get weight <bk>/<srv>", "tell a backend's weight", show.weight),
        Entry("operator", "lower the level to operator", settings.only_operator),
        Entry(
            "set maxconn frontend <fe> <n>",
            "limit a listener; 0: not",
            listeners.max_connections,
            _ADMIN,
        ),
        Entry(
            "set maxconn global <n>",
            "limit the balancer",
            listeners.max_connections_of_all,
            _ADMIN,
        ),
        Entry(
            "set maxconn server <bk>/<srv> <n>",
            "limit a backend; 0: not",
            change.max_connections_of_server,
            _ADMIN,
        ),
        Entry("set rate-limit <what> global <n>", "only 0: no limit", listeners.rate_limit, _ADMIN),
        Entry("set server <bk>/<srv> [opts]", "change a backend", dynamic.set_server, _ADMIN),
        Entry(
            "set severity-output [none|number|string]",
            "mark messages by severity",
            settings.severity_output,
        ),
        Entry("set timeout cli <delay>", "set this session's timeout", settings.timeout),
        Entry("set weight <bk>/<srv> <weight>", "change a weight", change.set_weight, _ADMIN),
        Entry("show backend", "list the pools", show.backend),
        Entry("show cli level", "tell this session's level", show.cli_level),
        Entry("show cli sockets", "tell the socket's level", show.cli_sockets, _OPERATOR),
        Entry("show errors", "tell of invalid HTTP: none", show.errors, _OPERATOR),
        Entry("show info [desc|json|typed]*", "tell of the process", show.info),
        Entry("show servers conn [<backend>]", "backends' connections", show.servers_conn_of),
        Entry("show servers state [<backend>]", "backends' states", show.servers_state_of),
        Entry("show sess [id]", "list the connections, or one", show.sess, _OPERATOR),
        Entry("show stat [desc|json|no-maint|typed|up]*", "tell the statistics", show.stat),
        Entry("show table [<table>] [key <k>]", "clients of a listener", show.table),
        Entry("show version", "tell the version", show.version),
        Entry("shutdown frontend <fe>", "stop a listener", listeners.shutdown, _ADMIN),
        Entry("shutdown session <id>", "end a connection", change.shutdown_session, _ADMIN),
        Entry(
            "shutdown sessions server <bk>/<srv>",
            "end a backend's connections",
            change.shutdown_sessions_of_server,
            _ADMIN,
        ),
        Entry("user", "lower the level to user", settings.only_user),
        Entry("help [<command>]", "list matching or all commands", _help),
        Entry("prompt", "toggle interactive mode with prompt", settings.prompt),
        Entry("quit", "disconnect", settings.leave),
    )
)


async def execute(session: Session, command: Command) -> str:
    """Do a command and return the reply, lines of text; nothing for success without a word."""
    if not command.words:
        return ""
    found = CATALOGUE.find(command.words)
    if found is None:
        return CATALOGUE.suggest(session, command.words)
    entry, words = found
    if not session.may(entry.level):
        return session.tell_error(CommandError("Permission denied"))
    try:
        reply = entry.run(session, words)
        return reply if isinstance(reply, str) else await reply
    except (CommandError, OperationError) as error:
        return session.tell_error(error)
