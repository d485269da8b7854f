"""The commands, what each is for, and how one is found by its first words."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.model_control import ControlLevel

if TYPE_CHECKING:
    from trio_balancer.control.haproxy.session import Session

Handler = Callable[["Session", Sequence[str]], str | Awaitable[str]]

_VALID = "The following commands are valid at this level:"
_UNKNOWN = "Unknown command, but maybe one of the following ones is a better match:"
# Commands of every session, shown with whatever else is proposed.
_ALWAYS = frozenset({"help", "prompt", "quit"})


@attrs.frozen
class Entry:
    """A command: how it is written, the level that it needs, and what it does.

    Only the words of `usage` before the first bracket name it. `run` is given the words after
    those, and returns the reply, or what to wait for.
    """

    usage: str
    help: str
    run: Handler
    level: ControlLevel = ControlLevel.USER

    @property
    def name(self) -> tuple[str, ...]:
        """The words by which it is found."""
        words = self.usage.split()
        first = next((i for i, word in enumerate(words) if word[0] in "[<"), len(words))
        return tuple(words[:first])

    @property
    def line(self) -> str:
        """Its line in a list."""
        return f"  {self.usage:<40}: {self.help}\n"


@attrs.frozen
class Catalogue:
    """All commands, in the order in which they are listed."""

    entries: tuple[Entry, ...]

    def find(self, words: Sequence[str]) -> tuple[Entry, Sequence[str]] | None:
        """Return the command that begins with most of these words, and the words after."""
        for count in range(len(words), 0, -1):
            for entry in self.entries:
                if entry.name == tuple(words[:count]):
                    return entry, list(words[count:])
        return None

    def help(self, session: Session, words: Sequence[str]) -> str:
        """List what the session may do, of the commands that begin like this."""
        return self._list(_VALID, session, words)

    def suggest(self, session: Session, words: Sequence[str]) -> str:
        """List the commands that may have been meant."""
        return self._list(_UNKNOWN, session, words[:1] or ("?",))

    def _list(self, title: str, session: Session, words: Sequence[str]) -> str:
        shown = [
            entry.line
            for entry in self.entries
            if session.may(entry.level)
            and (entry.name[: len(words)] == tuple(words) or entry.name[0] in _ALWAYS)
        ]
        return f"{title}\n{''.join(shown)}"
