"""The system around the process: what it was started with, who wants to hear of it, who it becomes.

In the order of the story: inherited sockets are listened at, then privileges are dropped, and
from the first client to the last the service manager is told how it goes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trio_balancer.network.inherited import InheritedSockets
from trio_balancer.network.sockets import SocketNetwork
from trio_balancer.system.activation import claim_sockets
from trio_balancer.system.notify import Notifier, claim_notifier
from trio_balancer.system.privileges import Account, become, find_account, hand_over
from trio_balancer.system.rehearsal import rehearse_reload
from trio_balancer.system.service import Service
from trio_balancer.wire.address import UnixAddress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, MutableMapping

    from trio_balancer.balancer import Balancer
    from trio_balancer.config.model import Config


@attrs.frozen
class Host:
    """What is known of the system; `account` and `notifier` are None where there is none.

    `unix_paths` are those of the Unix sockets that the process binds.
    """

    inherited: InheritedSockets
    notifier: Notifier | None
    account: Account | None
    unix_paths: tuple[str, ...] = ()

    def network(self) -> SocketNetwork:
        """Make the network of this system, with the inherited sockets."""
        return SocketNetwork(self.inherited)

    def step_down(self) -> None:
        """Become the configured user, if there is one; raises PrivilegesError.

        The Unix sockets that are bound by now are that user's, as those of a later reload will be.
        """
        if self.account is not None:
            hand_over(self.unix_paths, self.account)
            become(self.account)

    async def accompany(self, balancer: Balancer, load: Callable[[], Config]) -> None:
        """Tell the service manager of a balancer that serves now, until cancelled."""
        if self.account is not None:
            for problem in rehearse_reload(load):
                balancer.log.warning(
                    "A reload will fail as this user", user=self.account.name, reason=problem
                )
        if self.notifier is not None:
            await Service(balancer, self.notifier).run()


def meet_host(config: Config, environ: MutableMapping[str, str], pid: int) -> Host:
    """Learn what the system has told us, and forget the variables that told it.

    Raises ConfigError for an account that it does not have, OSError for inherited sockets that
    make no sense.
    """
    return Host(
        InheritedSockets(claim_sockets(environ, pid)),
        claim_notifier(environ, pid),
        find_account(config.balancer),
        tuple(_unix_paths(config)),
    )


def _unix_paths(config: Config) -> Iterator[str]:
    for listener in config.listeners.values():
        yield from (each.path for each in listener.bind if isinstance(each, UnixAddress))
    if config.control is not None and isinstance(config.control.socket, UnixAddress):
        yield config.control.socket.path
