from __future__ import annotations

import pytest
from support.ctl_bench import Bench

ASK = "set severity-output number; "


def test_the_reply_is_printed(ctl: Bench) -> None:
    ctl.answers[f"{ASK}show stat -1 4 -1"] = [b"\n# pxname,svname\nweb,FRONTEND\n\n"]
    assert ctl("raw", "show", "stat", "-1", "4", "-1") == 0
    assert ctl.said == "# pxname,svname\nweb,FRONTEND\n\n"


def test_one_word_may_hold_the_whole_line(ctl: Bench) -> None:
    ctl.answers[f"{ASK}show info"] = [b"\nName: x\n\n"]
    assert ctl("raw", "show info") == 0


@pytest.mark.parametrize(
    ("reply", "said", "status"),
    [
        (b"\n\n", "\n", 0),
        (b"\n[3]: No such server.\n\n", "No such server.\n\n", 1),
        (b"\n[1]: Oh.\n\n", "Oh.\n\n", 1),
        (b"\n[6]: Server deleted.\n\n", "Server deleted.\n\n", 0),
        (b"\nUnknown command: 'x'\n help\n\n", "Unknown command: 'x'\n help\n\n", 1),
        (b"\n[3]: One.\n\n[6]: Two.\n\n", "One.\n\nTwo.\n\n", 1),
        (b"\na\n[3]: is data here\n\n", "a\n[3]: is data here\n\n", 0),
        (b"[3]: Permission denied\n\n", "Permission denied\n\n", 1),
    ],
)
def test_an_error_is_told_by_the_exit_status(
    ctl: Bench, reply: bytes, said: str, status: int
) -> None:
    ctl.answers[f"{ASK}x"] = [reply]
    assert ctl("raw", "x") == status
    assert ctl.said == said


def test_a_reply_cannot_drive_the_terminal(ctl: Bench) -> None:
    ctl.answers[f"{ASK}x"] = [b"\n\x1b[2J\n\n"]
    assert ctl("raw", "x") == 0
    assert ctl.said == "\\x1b[2J\n\n"


@pytest.mark.parametrize("words", [[], [" "], ["a\nb"]])
def test_raw_takes_one_line(ctl: Bench, words: list[str]) -> None:
    assert ctl("raw", *words) == 2
    assert "raw needs one line" in ctl.complained
