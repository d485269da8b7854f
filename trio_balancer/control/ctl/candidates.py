"""Which words may stand where the cursor is, found in the program's own argparse parsers."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Sequence

import attrs

Names = Callable[[str, dict[str, str]], Iterable[str]]
"""Finds what a metavar like "POOL" stands for, given the options with values on the line."""


def candidates(program: argparse.ArgumentParser, words: Sequence[str], names: Names) -> list[str]:
    """Return what the last of the words may become; the others stand before it."""
    *before, current = words or [""]
    place = _Place(program)
    for word in before:
        place.pass_by(word)
    return [word for word in place.offers(current, names) if word.startswith(current)]


@attrs.define(eq=False)
class _Place:
    """Where on the command line the cursor is, as far as the words before it are read."""

    parser: argparse.ArgumentParser
    options: dict[str, str] = attrs.Factory(dict)
    _awaiting: argparse.Action | None = None
    _passed: int = 0

    def pass_by(self, word: str) -> None:
        """Read one word."""
        if self._awaiting is not None:
            self.options[self._awaiting.dest] = word
            self._awaiting = None
        elif word.startswith("-"):
            self._pass_option(word)
        else:
            self._pass_argument(word)

    def _pass_option(self, word: str) -> None:
        name, is_complete, value = word.partition("=")
        for action in self._actions():
            if name not in action.option_strings or action.nargs is not None:
                continue
            if is_complete:
                self.options[action.dest] = value
            else:
                self._awaiting = action

    def _pass_argument(self, word: str) -> None:
        action = self._expected()
        self._passed += 1
        if isinstance(action, argparse._SubParsersAction) and word in action.choices:  # noqa: SLF001  # its only name
            self.parser = action.choices[word]
            self._passed = 0

    def offers(self, current: str, names: Names) -> Iterable[str]:
        """Return all that may stand here; `current` tells whether it will be an option."""
        if self._awaiting is None and current.startswith("-"):
            return [name for action in self._actions() for name in action.option_strings]
        action = self._awaiting or self._expected()
        if action is None:
            return []
        if action.choices is not None:
            return action.choices
        return names(action.metavar, self.options) if isinstance(action.metavar, str) else []

    def _expected(self) -> argparse.Action | None:
        """Return the argument that comes next, if any."""
        arguments = [action for action in self._actions() if not action.option_strings]
        return arguments[self._passed] if self._passed < len(arguments) else None

    def _actions(self) -> list[argparse.Action]:
        return self.parser._actions  # noqa: SLF001  # argparse has no other way to ask
