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
from trio_balancer.system.privileges import Account, become, find_account
from trio_balancer.system.rehearsal import rehearse_reload
from trio_balancer.system.service import Service

if TYPE_CHECKING:
    from collections.abc import Callable, MutableMapping

    from trio_balancer.balancer import Balancer
    from trio_balancer.config.model import Config


@attrs.frozen
class Host:
    """What is known of the system; `account` and `notifier` are None where there is none."""

    inherited: InheritedSockets
    notifier: Notifier | None
    account: Account | None

    def network(self) -> SocketNetwork:
        """Make the network of this system, with the inherited sockets."""
        return SocketNetwork(self.inherited)

    def step_down(self) -> None:
        """Become the configured user, if there is one; raises PrivilegesError."""
        if self.account is not None:
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
    )
