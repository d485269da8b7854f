from __future__ import annotations

import pytest

from trio_balancer.flow.record import FINISHED, Ending, Phase, Who


@pytest.mark.parametrize(
    ("ending", "letters"),
    [
        (FINISHED, "--"),
        (Ending(Who.CLIENT, Phase.QUEUE), "CQ"),
        (Ending(Who.BACKEND, Phase.CONNECT), "SC"),
        (Ending(Who.CLIENT_TIMEOUT, Phase.REQUEST), "cR"),
        (Ending(Who.BACKEND_TIMEOUT, Phase.DATA), "sD"),
        (Ending(Who.POLICY, Phase.TARPIT), "PT"),
        (Ending(Who.RESOURCE, Phase.CONNECT), "RC"),
        (Ending(Who.INTERNAL, Phase.DATA), "ID"),
        (Ending(Who.DOWN, Phase.DATA), "DD"),
        (Ending(Who.KILLED, Phase.DATA), "KD"),
    ],
)
def test_an_ending_reads_as_haproxys_two_letters(ending: Ending, letters: str) -> None:
    assert str(ending) == letters


def test_no_letter_stands_for_two_things() -> None:
    assert len({who.value for who in Who}) == len(Who) == 10
    assert len({phase.value for phase in Phase}) == len(Phase) == 6
