"""The command line: arguments, signals, exit status."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import trio

import trio_balancer
from trio_balancer.balancer import Balancer
from trio_balancer.config import ConfigError, describe, fit_max_connections, load_config
from trio_balancer.config.model import Config, LogFormat, LogLevel
from trio_balancer.control.admin import check_extra
from trio_balancer.control.reload import ReloadError
from trio_balancer.demo import invitation, stand_ins
from trio_balancer.prepare import prepare
from trio_balancer.serve import serve
from trio_balancer.system.host import Host, meet_host
from trio_balancer.system.privileges import find_account
from trio_balancer.system.process import (
    LAST_STANDARD_STREAM,
    hold_standard_streams,
    raise_open_files,
    spare_the_collector,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

STOPPED_AS_ASKED = 0
COULD_NOT_RUN = 1
WRONG_CONFIG = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    hold_standard_streams()
    arguments = _parser().parse_args(argv)
    open_files = raise_open_files()
    try:
        config = load_config(arguments.config, overrides=_overrides(arguments))
        limit = fit_max_connections(config, open_files)
        if arguments.check:
            prepare(config)
            check_extra(config)
            find_account(config.balancer)
            print(describe(config, limit))  # noqa: T201 - what --check is for
            return STOPPED_AS_ASKED
    except ConfigError as error:
        return _fail(str(error), WRONG_CONFIG)
    try:
        return _run(config, arguments)
    except ConfigError as error:
        return _fail(str(error), WRONG_CONFIG)
    except OSError as error:
        return _fail(f"trio-balancer: {error.strerror or error}", COULD_NOT_RUN)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="trio-balancer",
        description="A TCP load balancer.",
        epilog="Signals: SIGTERM or SIGINT drains and stops, a second one stops at once; "
        "SIGHUP reads CONFIG again.",
    )
    add = parser.add_argument
    add("config", metavar="CONFIG", type=Path, help="the configuration, a TOML file")
    add("--check", action="store_true", help="validate, print what would run, bind nothing")
    add(
        "--demo", action="store_true", help="also start a stand-in server at every loopback backend"
    )
    add(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="override a value, like pools.app.policy=first; repeatable",
    )
    add(
        "--ready-fd",
        metavar="N",
        type=_descriptor,
        help="write one JSON line to this descriptor once serving, and close it",
    )
    add("--log-format", choices=[choice.value for choice in LogFormat], help="override log.format")
    add("--log-level", choices=[choice.value for choice in LogLevel], help="override log.level")
    add("--version", action="version", version=f"trio-balancer {trio_balancer.__version__}")
    return parser


def _descriptor(text: str) -> int:
    try:
        descriptor = int(text)
        os.fstat(descriptor)
    except (ValueError, OverflowError, OSError):
        raise argparse.ArgumentTypeError(f"{text!r} is not an open file descriptor") from None
    return descriptor


def _overrides(arguments: argparse.Namespace) -> list[str]:
    overrides: list[str] = list(arguments.set)
    if arguments.log_format is not None:
        overrides.append(f"log.format={arguments.log_format}")
    if arguments.log_level is not None:
        overrides.append(f"log.level={arguments.log_level}")
    return overrides


def _fail(message: str, status: int) -> int:
    print(message, file=sys.stderr)  # noqa: T201 - errors are for people
    return status


def _run(config: Config, arguments: argparse.Namespace) -> int:
    host = meet_host(config, os.environ, os.getpid())
    with ExitStack() as stack:
        if arguments.demo:
            stack.enter_context(stand_ins(config))
        load = partial(load_config, arguments.config, overrides=_overrides(arguments))
        process = _Process(
            config, arguments.config, load, host, arguments.ready_fd, demo=arguments.demo
        )
        return trio.run(process.run)


@attrs.define(eq=False)
class _Process:
    """The balancer as a process: started, told by signals, stopped."""

    config: Config
    config_file: Path
    #: Reads the configuration again, with the same overrides.
    load: Callable[[], Config]
    host: Host
    ready_fd: int | None
    demo: bool
    balancer: Balancer | None = None
    stopping: bool = False
    scope: trio.CancelScope = attrs.Factory(trio.CancelScope)
    reload_wanted: trio.Event = attrs.Factory(trio.Event)

    async def run(self) -> int:
        """Serve until a signal stops it; raises OSError or ConfigError when it cannot start."""
        failure: OSError | ConfigError | None = None
        with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT, signal.SIGHUP) as signals:
            async with trio.open_nursery() as nursery:
                self.scope = nursery.cancel_scope
                nursery.start_soon(self._obey, signals, nursery)
                try:
                    self.balancer = await nursery.start(self._serve)
                except (OSError, ConfigError) as error:
                    failure = error
                    nursery.cancel_scope.cancel()
                else:
                    self._ready(self.balancer)
                    nursery.start_soon(self._keep_reloading, self.balancer)
                    nursery.start_soon(self.host.accompany, self.balancer, self.load)
        if failure is not None:
            raise failure
        return STOPPED_AS_ASKED

    async def _serve(self, task_status: trio.TaskStatus[Balancer]) -> None:
        await serve(
            self.config,
            network=self.host.network(),
            load=self.load,
            config_file=str(self.config_file),
            on_bound=self.host.step_down,
            task_status=task_status,
        )
        self.scope.cancel()

    def _ready(self, balancer: Balancer) -> None:
        spare_the_collector()
        if self.demo:
            print(invitation(self.config, balancer.addresses), file=sys.stderr)  # noqa: T201 - for people
        if self.ready_fd is None:
            return
        listeners = {
            name: [str(address) for address in addresses]
            for name, addresses in balancer.addresses.items()
        }
        line = json.dumps({"pid": os.getpid(), "listeners": listeners})
        try:
            _write_line(self.ready_fd, line)
        except OSError as error:
            balancer.log.warning("Nobody could be told that it serves", reason=error.strerror)

    async def _obey(self, signals: AsyncIterator[int], nursery: trio.Nursery) -> None:
        async for number in signals:
            if number == signal.SIGHUP:
                self.reload_wanted.set()
            elif self.stopping or self.balancer is None:
                self.scope.cancel()
            else:
                self.stopping = True
                nursery.start_soon(self.balancer.stop)

    async def _keep_reloading(self, balancer: Balancer) -> None:
        """Reload when told to; one that is wished while another runs comes after it, once."""
        while True:
            await self.reload_wanted.wait()
            self.reload_wanted = trio.Event()
            with suppress(ConfigError, OSError, ReloadError):  # the log has it
                await balancer.reload()


def _write_line(descriptor: int, line: str) -> None:
    """Write one line and close the descriptor, unless it is a standard stream.

    The number of a closed one would be given to the next client, and the log may go there.
    """
    close = descriptor > LAST_STANDARD_STREAM
    with os.fdopen(descriptor, "w", encoding="utf-8", closefd=close) as stream:
        stream.write(f"{line}\n")
