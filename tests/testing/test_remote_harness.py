from __future__ import annotations

import threading

import pytest

from trio_balancer.testing import BalancerBugError, Harness
from trio_balancer.testing.remote_harness import RemoteHarness, open_in_thread


def test_snapshots_are_taken_in_the_balancers_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    with open_in_thread((), None, ()) as (harness, portal):
        remote = RemoteHarness(harness, portal)

        def statistics(_harness: Harness) -> None:
            asked.append(threading.current_thread().name)

        monkeypatch.setattr(Harness, "statistics", statistics)
        remote.statistics()
        assert isinstance(remote.connections, tuple)
    assert asked[0].startswith("trio-balancer-portal-")


def test_the_report_can_be_read_when_all_is_over() -> None:
    with open_in_thread((), 5, ()) as (harness, portal):
        remote = RemoteHarness(harness, portal)
    assert remote.report().startswith("trio-balancer, seed 5\n")


def _run_with_a_bug(error: Exception | None = None) -> None:
    with open_in_thread((), None, ()) as (harness, _portal):
        harness._observer.bugs.append("Traceback: oh")
        if error is not None:
            raise error


def test_a_problem_of_the_balancer_is_a_note_or_is_raised() -> None:
    with pytest.raises(KeyError) as caught:
        _run_with_a_bug(KeyError())
    assert "Traceback: oh" in caught.value.__notes__[0]
    with pytest.raises(BalancerBugError, match="Traceback: oh"):
        _run_with_a_bug()
