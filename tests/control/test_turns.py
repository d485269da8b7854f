from __future__ import annotations

import trio
import trio.lowlevel

from trio_balancer.control.turns import Turns


async def test_between_two_turns_others_run() -> None:
    turns = Turns()
    order: list[str] = []

    async def operator(name: str) -> None:
        await turns.wait()
        order.append(name)

    async def connection() -> None:
        while True:
            await trio.lowlevel.checkpoint()
            order.append("-")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(connection)
        async with trio.open_nursery() as operators:
            for number in range(50):
                operators.start_soon(operator, str(number))
        nursery.cancel_scope.cancel()
    done = "".join("o" if each != "-" else each for each in order)
    assert done.count("o") == 50
    assert "oo" not in done
