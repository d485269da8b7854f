"""The command line: signals and exit status; its arguments are in `arguments`."""

from __future__ import annotations

import json
import os
import random
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import attrs
import trio

from trio_balancer.arguments import parse_arguments, read_config
from trio_balancer.balancer import Balancer
from trio_balancer.config import ConfigError, describe, fit_max_connections
from trio_balancer.config.model import Config
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
    import argparse
    from collections.abc import AsyncIterator, Sequence

    from trio_balancer.testing.toxiproxy.addresses import (  # noqa: TC004 - loaded by who asks
        ApiAddress,
    )
    from trio_balancer.testing.toxiproxy.proxies import Proxies  # noqa: TC004 - likewise

STOPPED_AS_ASKED = 0
COULD_NOT_RUN = 1
WRONG_CONFIG = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command and return its exit status."""
    hold_standard_streams()
    arguments = parse_arguments(argv)
    open_files = raise_open_files()
    try:
        config = read_config(arguments)
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


def _fail(message: str, status: int) -> int:
    print(message, file=sys.stderr)  # noqa: T201 - errors are for people
    return status


def _run(config: Config, arguments: argparse.Namespace) -> int:
    host = meet_host(config, os.environ, os.getpid())
    with ExitStack() as stack:
        if arguments.demo:
            stack.enter_context(stand_ins(config))
        process = _Process(
            config,
            arguments.config,
            partial(read_config, arguments),
            host,
            arguments.ready_fd,
            demo=arguments.demo,
            api_address=arguments.toxiproxy,
            rng=random.Random(arguments.seed),
        )
        return trio.run(process.run)


@attrs.define(eq=False)
class _Process:
    """The balancer as a process: started, told by signals, stopped."""

    config: Config
    config_file: Path | None
    #: Reads the configuration again, with the same overrides.
    read: Callable[[], Config]
    host: Host
    ready_fd: int | None
    demo: bool
    #: Where Toxiproxy's API listens, if it is wanted; once it does, with the real port.
    api_address: ApiAddress | None
    rng: random.Random
    proxies: Proxies | None = None
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
                    await self._serve_toxiproxy(self.balancer, nursery)
                except (OSError, ConfigError) as error:
                    failure = error
                    nursery.cancel_scope.cancel()
                else:
                    self._ready(self.balancer)
                    nursery.start_soon(self._keep_reloading, self.balancer)
                    nursery.start_soon(self.host.accompany, self.balancer, self._load)
        if failure is not None:
            raise failure
        return STOPPED_AS_ASKED

    async def _serve(self, task_status: trio.TaskStatus[Balancer]) -> None:
        await serve(
            self.config,
            network=self.host.network(),
            rng=self.rng,
            load=self._load,
            # Proxies may come later, and all may go.
            stay=self.api_address is not None,
            config_file=None if self.config_file is None else str(self.config_file),
            on_bound=self.host.step_down,
            task_status=task_status,
        )
        self.scope.cancel()

    def _load(self) -> Config:
        """Read the configuration; what was made by Toxiproxy's API stays."""
        config = self.read()
        return config if self.proxies is None else self.proxies.add_to(config)

    async def _serve_toxiproxy(self, balancer: Balancer, nursery: trio.Nursery) -> None:
        """Let Toxiproxy's clients in, if they are wanted; raises OSError."""
        if self.api_address is None:
            return
        from trio_balancer.testing.toxiproxy.proxies import Proxies  # noqa: PLC0415 - for tests only
        from trio_balancer.testing.toxiproxy.server import serve_api  # noqa: PLC0415 - needs its extra

        self.proxies = Proxies(balancer)
        self.api_address = await nursery.start(serve_api, self.proxies, self.api_address)

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
        told: dict[str, object] = {"pid": os.getpid(), "listeners": listeners}
        if self.api_address is not None:
            told["toxiproxy"] = self.api_address.url
        try:
            _write_line(self.ready_fd, json.dumps(told))
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
