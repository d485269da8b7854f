from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from support.manager import Manager

from trio_balancer.system.notify import PATIENCE, Notifier, claim_notifier

if TYPE_CHECKING:
    from pathlib import Path

    from trio.testing import MockClock

PID = 123


async def test_a_message_is_one_datagram(tmp_path: Path) -> None:
    with Manager(str(tmp_path / "notify")) as manager:
        assert await Notifier(manager.address).tell(READY=1, STATUS="Serving")
        assert manager.read() == {"READY": "1", "STATUS": "Serving"}


async def test_an_abstract_address() -> None:
    name = f"trio-balancer-test-{os.getpid()}"
    with Manager(f"\0{name}") as manager:
        notifier = claim_notifier({"NOTIFY_SOCKET": f"@{name}"}, PID)
        assert notifier is not None
        assert await notifier.tell(STOPPING=1)
        assert manager.read() == {"STOPPING": "1"}


async def test_a_manager_that_is_gone_disturbs_nobody(tmp_path: Path) -> None:
    assert not await Notifier(str(tmp_path / "nowhere")).tell(READY=1)


async def test_a_manager_that_reads_nothing_is_given_up(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    with Manager(str(tmp_path / "notify")) as manager:
        notifier = Notifier(manager.address)
        taken = 0
        while await notifier.tell(WATCHDOG=1):
            taken += 1
        assert taken > 0
        assert autojump_clock.current_time() == pytest.approx(PATIENCE)


def test_what_the_manager_has_told() -> None:
    environ = {
        "NOTIFY_SOCKET": "/run/systemd/notify",
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": str(PID),
        "HOME": "/",
    }
    assert claim_notifier(environ, PID) == Notifier("/run/systemd/notify", 30.0)
    assert environ == {"HOME": "/"}


@pytest.mark.parametrize(
    "watchdog",
    [
        {},
        {"WATCHDOG_USEC": "0"},
        {"WATCHDOG_USEC": "soon"},
        {"WATCHDOG_USEC": "1000", "WATCHDOG_PID": "77"},
    ],
)
def test_without_a_watchdog(watchdog: dict[str, str]) -> None:
    environ = {"NOTIFY_SOCKET": "/run/notify", **watchdog}
    assert claim_notifier(environ, PID) == Notifier("/run/notify", None)


def test_a_watchdog_for_whoever_is_told() -> None:
    environ = {"NOTIFY_SOCKET": "/run/notify", "WATCHDOG_USEC": "500000"}
    assert claim_notifier(environ, PID) == Notifier("/run/notify", 0.5)


@pytest.mark.parametrize("address", ["", "relative", "vsock:2:1234"])
def test_nobody_to_tell(address: str) -> None:
    assert claim_notifier({"NOTIFY_SOCKET": address}, PID) is None
    assert claim_notifier({}, PID) is None


async def test_odd_text_is_still_sent(tmp_path: Path) -> None:
    with Manager(str(tmp_path / "notify")) as manager:
        await Notifier(manager.address).tell(STATUS="\udc80")
        assert manager.read() == {"STATUS": "\\udc80"}
