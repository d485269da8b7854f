"""Become another user once all is bound, for good.

Whatever does not work ends the process: half-dropped privileges are worse than none. Afterwards
nothing may bind a port below 1024 or read root's files any more, a reload included.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.problems import ConfigError, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trio_balancer.config.model import BalancerConfig


class PrivilegesError(OSError):
    """We could not become somebody else; the message is a sentence."""


@attrs.frozen
class Account:
    """Who to become: the user's and the group's numbers, and all groups of the user."""

    name: str
    uid: int
    gid: int
    groups: frozenset[int]

    def is_ours(self) -> bool:
        """Whether the process is nobody else already."""
        return _users() == {self.uid} and _groups() == {self.gid}


def find_account(config: BalancerConfig) -> Account | None:
    """Look up `user` and `group`; None where the configuration has none.

    Raises ConfigError where this system does not know them.
    """
    if config.user is None:
        return None
    try:
        user = pwd.getpwnam(config.user)
    except KeyError:
        raise _unknown("user", config.user) from None
    gid = user.pw_gid
    if config.group is not None:
        try:
            gid = grp.getgrnam(config.group).gr_gid
        except KeyError:
            raise _unknown("group", config.group) from None
    groups = frozenset(os.getgrouplist(config.user, gid))
    return Account(config.user, user.pw_uid, gid, groups)


def _unknown(key: str, name: str) -> ConfigError:
    message = f"this system has no {key} {name!r}"
    return ConfigError([Problem("", None, f"balancer.{key}", message)])


def hand_over(paths: Iterable[str], account: Account) -> None:
    """Give the files of Unix sockets to the account, while we may; raises PrivilegesError.

    Else only root could use them, and the process itself could not replace them.
    """
    if account.is_ours():
        return
    for path in paths:
        try:
            os.chown(path, account.uid, account.gid, follow_symlinks=False)
        except OSError as error:
            text = f"cannot give {path} to the user {account.name!r}: {error.strerror}"
            raise PrivilegesError(error.errno, text) from None


def become(account: Account) -> None:
    """Give up who we are; raises PrivilegesError, after which nothing should go on.

    Nothing happens where we are that user already.
    """
    if account.is_ours():
        return
    try:
        # In this order: without root's rights the other two are not allowed any more.
        os.setgroups(sorted(account.groups))
        os.setgid(account.gid)
        os.setuid(account.uid)
    except OSError as error:
        text = f"cannot become the user {account.name!r}: {error.strerror}"
        if error.errno == errno.EPERM:
            text += "; only root can"
        raise PrivilegesError(error.errno, text) from None
    _verify(account)


def _verify(account: Account) -> None:
    """Look whether it is true, and whether there is no way back."""
    if not account.is_ours() or not set(os.getgroups()) <= account.groups:
        raise PrivilegesError(errno.EPERM, f"became somebody other than {account.name!r}")
    if account.uid != 0 and _can_be_root():
        text = f"as {account.name!r}, the process could still become root again"
        raise PrivilegesError(errno.EPERM, text)


def _can_be_root() -> bool:
    try:
        os.seteuid(0)
    except PermissionError:
        return False
    return True


def _users() -> set[int]:
    # The saved one too, which one could go back to; macOS does not tell it.
    return set(os.getresuid()) if hasattr(os, "getresuid") else {os.getuid(), os.geteuid()}


def _groups() -> set[int]:
    return set(os.getresgid()) if hasattr(os, "getresgid") else {os.getgid(), os.getegid()}
