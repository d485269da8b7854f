"""How a test ends when something went wrong with its balancer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


class BalancerBugError(Exception):
    """A bug of the balancer ended a connection; the text has its trace."""


def conclude(problems: Sequence[Exception], error: BaseException | None) -> None:
    """Tell what went wrong with the balancer: in notes to the test's own error, or else raised."""
    if error is not None:
        for problem in problems:
            error.add_note(f"the balancer under test: {type(problem).__name__}: {problem}")
    elif len(problems) == 1:
        raise problems[0]
    elif problems:
        raise ExceptionGroup("the balancer under test", problems)
