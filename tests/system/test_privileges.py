"""Becoming somebody else; for real in a child process, as there is no way back."""

from __future__ import annotations

import grp
import json
import os
import pwd
import subprocess
import sys
from typing import TYPE_CHECKING

import attrs
import pytest
from support.process import environment

from trio_balancer.config import ConfigError
from trio_balancer.config.model import BalancerConfig
from trio_balancer.system import privileges
from trio_balancer.system.privileges import (
    Account,
    PrivilegesError,
    become,
    find_account,
    hand_over,
)

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

NOBODY = BalancerConfig(user="nobody")
SOMEBODY = Account("somebody", uid=4000, gid=4001, groups=frozenset({4001, 4002}))

CHILD = """
import json, os
from trio_balancer.config.model import BalancerConfig
from trio_balancer.system.privileges import become, find_account
account = find_account(BalancerConfig(user="nobody", group="daemon"))
become(account)
become(account)  # nothing to do any more
print(json.dumps([os.getresuid(), os.getresgid(), os.getgroups()]))
open("/etc/shadow")
"""

# Imported as root: the interpreter may be in root's own folder.
UNPRIVILEGED = """
import os, pwd
from trio_balancer.config.model import BalancerConfig
from trio_balancer.system.privileges import PrivilegesError, become, find_account
account = find_account(BalancerConfig(user="daemon"))
os.setuid(pwd.getpwnam("nobody").pw_uid)
try:
    become(account)
except PrivilegesError as error:
    print(error.strerror)
"""


def test_a_socket_is_handed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[object, ...]] = []
    monkeypatch.setattr(os, "chown", lambda *place, **_: given.append(place))
    hand_over(["/run/a", "/run/b"], SOMEBODY)
    assert given == [("/run/a", 4000, 4001), ("/run/b", 4000, 4001)]


def test_nothing_is_handed_over_to_ourselves(tmp_path: Path) -> None:
    ours = attrs.evolve(SOMEBODY, uid=os.getuid(), gid=os.getgid())
    hand_over([str(tmp_path / "none")], ours)


def test_what_cannot_be_handed_over_is_said(tmp_path: Path) -> None:
    path = tmp_path / "none"
    with pytest.raises(
        PrivilegesError, match=f"cannot give {path} to the user 'somebody': No such"
    ):
        hand_over([str(path)], SOMEBODY)


def test_no_user_no_account() -> None:
    assert find_account(BalancerConfig()) is None


def test_a_user_has_a_group_of_its_own() -> None:
    nobody = pwd.getpwnam("nobody")
    account = find_account(NOBODY)
    assert account is not None
    assert (account.name, account.uid, account.gid) == ("nobody", nobody.pw_uid, nobody.pw_gid)
    assert nobody.pw_gid in account.groups


def test_another_group_may_be_asked_for() -> None:
    daemon = grp.getgrnam("daemon").gr_gid
    account = find_account(BalancerConfig(user="nobody", group="daemon"))
    assert account is not None
    assert account.gid == daemon
    assert daemon in account.groups


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        (BalancerConfig(user="nobdy"), "balancer.user: this system has no user 'nobdy'"),
        (
            BalancerConfig(user="nobody", group="nogrp"),
            "balancer.group: this system has no group 'nogrp'",
        ),
    ],
)
def test_unknown_names(config: BalancerConfig, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        find_account(config)
    assert problem in str(caught.value)


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_root_becomes_nobody_for_good() -> None:
    child = subprocess.run(
        [sys.executable, "-c", CHILD], capture_output=True, env=environment(), check=False
    )
    uids, gids, groups = json.loads(child.stdout)
    assert set(uids) == {pwd.getpwnam("nobody").pw_uid}
    assert set(gids) == {grp.getgrnam("daemon").gr_gid}
    assert 0 not in groups
    assert b"PermissionError" in child.stderr


@pytest.mark.skipif(os.getuid() != 0, reason="only root can become somebody else")
def test_nobody_cannot_become_somebody_else() -> None:
    said = subprocess.check_output([sys.executable, "-c", UNPRIVILEGED], env=environment())
    assert said == b"cannot become the user 'daemon': Operation not permitted; only root can\n"


class System:
    """The calls of the system, as far as they are wanted here."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.uids, self.gids, self.groups = {0}, {0}, [0]
        self.order: list[str] = []
        self._monkeypatch = monkeypatch
        for name in ("setgroups", "setgid", "setuid", "seteuid"):
            self.replace(name, getattr(self, name))
        self.replace("getgroups", lambda: self.groups)
        monkeypatch.setattr(privileges, "_users", lambda: self.uids)
        monkeypatch.setattr(privileges, "_groups", lambda: self.gids)

    def replace(self, name: str, function: Callable[..., object]) -> None:
        self._monkeypatch.setattr(os, name, function)

    def setgroups(self, groups: list[int]) -> None:
        self.order.append("setgroups")
        self.groups = groups

    def setgid(self, gid: int) -> None:
        self.order.append("setgid")
        self.gids = {gid}

    def setuid(self, uid: int) -> None:
        self.order.append("setuid")
        self.uids = {uid}

    def seteuid(self, uid: int) -> None:
        raise PermissionError


@pytest.fixture
def system(monkeypatch: pytest.MonkeyPatch) -> System:
    return System(monkeypatch)


def test_groups_first_and_the_user_last(system: System) -> None:
    become(SOMEBODY)
    assert system.order == ["setgroups", "setgid", "setuid"]
    assert (system.uids, system.gids, system.groups) == ({4000}, {4001}, [4001, 4002])


def test_nothing_to_do(system: System) -> None:
    system.uids, system.gids = {4000}, {4001}
    become(SOMEBODY)
    assert system.order == []


def test_only_root_can(system: System) -> None:
    def refuse(_groups: list[int]) -> None:
        raise PermissionError(1, "Operation not permitted")

    system.replace("setgroups", refuse)
    with pytest.raises(PrivilegesError) as caught:
        become(SOMEBODY)
    assert caught.value.strerror == (
        "cannot become the user 'somebody': Operation not permitted; only root can"
    )


def test_a_system_that_has_no_room_for_another_process_of_the_user(system: System) -> None:
    def refuse(_uid: int) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    system.replace("setuid", refuse)
    with pytest.raises(PrivilegesError) as caught:
        become(SOMEBODY)
    assert (caught.value.strerror or "").endswith(": Resource temporarily unavailable")


@pytest.mark.parametrize("call", ["setgroups", "setgid", "setuid"])
def test_a_call_that_does_nothing_is_noticed(system: System, call: str) -> None:
    system.replace(call, lambda _value: None)
    with pytest.raises(PrivilegesError, match="became somebody other than 'somebody'"):
        become(SOMEBODY)


def test_a_way_back_is_noticed(system: System) -> None:
    system.replace("seteuid", lambda _uid: None)
    with pytest.raises(PrivilegesError, match="could still become root again"):
        become(SOMEBODY)


def test_root_in_another_group_is_root(system: System) -> None:
    become(Account("root", uid=0, gid=5, groups=frozenset({5})))
    assert system.gids == {5}


def test_who_we_are() -> None:
    name = pwd.getpwuid(os.getuid()).pw_name
    account = find_account(BalancerConfig(user=name))
    assert account is not None
    assert account.is_ours() is (account.gid == os.getgid())


def test_systems_that_do_not_tell_the_saved_ids(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "getresuid", raising=False)
    monkeypatch.delattr(os, "getresgid", raising=False)
    ours = Account("us", os.getuid(), os.getgid(), frozenset(os.getgroups()))
    assert ours.is_ours()
