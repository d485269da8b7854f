"""trio-balancerctl in the test's own process, at a socket that answers as the test wants."""

from __future__ import annotations

import json

import pytest
from support.control_server import ControlServer, Request, ok, refused

from trio_balancer.control.ctl import main


class Bench:
    """Runs the program: `answers` holds the reply to each request, `said` what it printed."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys
        self.answers: dict[str, list[bytes]] = {}
        self.said = ""
        self.complained = ""
        self.server: ControlServer | None = None

    def __call__(self, *words: str) -> int:
        try:
            status = main(list(words))
        except SystemExit as exit_:
            status = exit_.code if isinstance(exit_.code, int) else 0
        self.said, self.complained = self._capsys.readouterr()
        return status

    def answer(self, line: str) -> list[bytes]:
        if not line.startswith("{"):
            return self.answers.get(line, [b"\nUnknown command\n\n"])
        do = json.loads(line)["do"]
        return self.answers.get(do, refused("unknown-command", f"there is no {do}"))

    def will(self, do: str, result: object) -> None:
        self.answers[do] = ok(result)

    @property
    def asked(self) -> Request:
        """The last request, without the parameters that were left open."""
        assert self.server is not None
        last = self.server.requests[-1]
        return {key: value for key, value in last.items() if value is not None}
