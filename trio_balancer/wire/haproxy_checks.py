"""Results of health checks, in HAProxy's numbers, codes and words.

Source: HAProxy 2.6's management guide, 9.1, "check_status", and the numbers and words of
HAProxy 2.6.12.
"""

from __future__ import annotations

from enum import IntEnum

# Before the code of the last result while the next check runs.
_RUNNING = "* "


class CheckStatus(IntEnum):
    """How a check ended: the number in `show servers state`, the name in `show stat`."""

    UNK = 0
    INI = 1
    CHECKED = 3
    HANA = 4
    SOCKERR = 5
    L4OK = 6
    L4TOUT = 7
    L4CON = 8
    L6OK = 9
    L6TOUT = 10
    L6RSP = 11
    L7TOUT = 12
    L7RSP = 13
    L7OK = 15
    L7OKC = 16
    L7STS = 17
    PROCERR = 18
    PROCTOUT = 19
    PROCOK = 20

    def column(self, *, running: bool = False) -> str:
        """Return what stands in `check_status`: "L4OK", or "* L4OK" while a check runs."""
        return f"{_RUNNING}{self.name}" if running else self.name

    @property
    def description(self) -> str:
        """What stands in `check_desc`."""
        return _DESCRIPTIONS[self]


_DESCRIPTIONS = {
    CheckStatus.UNK: "Unknown",
    CheckStatus.INI: "Initializing",
    CheckStatus.CHECKED: "No status change",
    CheckStatus.HANA: "Health analyze",
    CheckStatus.SOCKERR: "Socket error",
    CheckStatus.L4OK: "Layer4 check passed",
    CheckStatus.L4TOUT: "Layer4 timeout",
    CheckStatus.L4CON: "Layer4 connection problem",
    CheckStatus.L6OK: "Layer6 check passed",
    CheckStatus.L6TOUT: "Layer6 timeout",
    CheckStatus.L6RSP: "Layer6 invalid response",
    CheckStatus.L7TOUT: "Layer7 timeout",
    CheckStatus.L7RSP: "Layer7 invalid response",
    CheckStatus.L7OK: "Layer7 check passed",
    CheckStatus.L7OKC: "Layer7 check conditionally passed",
    CheckStatus.L7STS: "Layer7 wrong status",
    CheckStatus.PROCERR: "External check error",
    CheckStatus.PROCTOUT: "External check timeout",
    CheckStatus.PROCOK: "External check passed",
}
