"""What a command has at hand while it runs."""

from __future__ import annotations

import os
import sys
from functools import cached_property
from typing import TYPE_CHECKING

from trio_balancer.control.ctl.client import Client
from trio_balancer.control.ctl.errors import UsageError
from trio_balancer.control.ctl.output import say, say_json
from trio_balancer.control.ctl.socket_path import VARIABLE, find_socket
from trio_balancer.control.ctl.terminal import Terminal, look_at
from trio_balancer.control.ctl.text import harmless

if TYPE_CHECKING:
    import argparse

#: The exit status of what was done.
DONE = 0


class Session:
    """One run of the program."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments

    @cached_property
    def client(self) -> Client:
        """The way to the balancer; raises UsageError or ControlError where there is none."""
        given = self.arguments
        path = find_socket(given.socket, given.config, os.environ)
        if path is None:
            raise UsageError(
                "which balancer? Name its runtime socket by --socket PATH or by"
                f" {VARIABLE}, or its configuration by --config FILE"
            )
        return Client(path, given.timeout)

    @cached_property
    def terminal(self) -> Terminal:
        """What standard output is."""
        return look_at(sys.stdout)

    def tell(self, result: object, sentence: str) -> int:
        """Print the result of what was done, as JSON or as a sentence."""
        if self.arguments.json:
            say_json(result)
        else:
            say(harmless(sentence))
        return DONE
