"""The same run every time: trio's order of tasks from a seed, and time that only passes by waiting.

trio shuffles the tasks that can run, so that nobody relies on their order. For Hypothesis it has a
switch that makes the order depend on a generator alone (`trio._core._run`, private:
`_ALLOW_DETERMINISTIC_SCHEDULING` and `_r`). We use that; our tests notice when it is gone.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, TypeVar

import trio
from trio._core import _run
from trio.testing import MockClock

if TYPE_CHECKING:
    import random
    from collections.abc import Awaitable, Callable, Iterator

T = TypeVar("T")

_SWITCH = "_ALLOW_DETERMINISTIC_SCHEDULING"
_GENERATOR = "_r"


@contextmanager
def deterministic_order(seed: int) -> Iterator[None]:
    """Let trio run tasks in an order that depends on `seed` and on what they do, meanwhile.

    It holds for all of trio in this process, so run one trio loop at a time; afterwards everything
    is as it was. Raises RuntimeError where this version of trio has no such switch.
    """
    if not (hasattr(_run, _SWITCH) and hasattr(_run, _GENERATOR)):
        raise RuntimeError(
            f"trio {trio.__version__} cannot be told the order of its tasks: the switch that "
            "Hypothesis uses is gone from it; a version from 0.32 on has it"
        )
    switch: bool = getattr(_run, _SWITCH)
    generator: random.Random = getattr(_run, _GENERATOR)
    state = generator.getstate()
    generator.seed(seed)
    setattr(_run, _SWITCH, True)
    try:
        yield
    finally:
        setattr(_run, _SWITCH, switch)
        generator.setstate(state)


def run_in_virtual_time(function: Callable[..., Awaitable[T]], *args: object, seed: int = 0) -> T:
    """Run an async function to its end in no time, in the order of tasks that `seed` gives.

    Time begins at 0 and jumps whenever all tasks wait, so everything must be in memory
    (`MemoryNetwork`): a real socket or thread would be overtaken. Returns what the function does.
    """
    with deterministic_order(seed):
        return trio.run(partial(function, *args), clock=MockClock(autojump_threshold=0))
