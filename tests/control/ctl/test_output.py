from __future__ import annotations

import pytest

from trio_balancer.control.ctl.output import hand_over, say, say_json


def test_lines_are_said(capsys: pytest.CaptureFixture[str]) -> None:
    say("one", "two")
    hand_over()
    assert capsys.readouterr().out == "one\ntwo\n"


def test_json_is_ascii(capsys: pytest.CaptureFixture[str]) -> None:
    say_json({"name": "名\x1b"}, indent=None)
    assert capsys.readouterr().out == '{"name": "\\u540d\\u001b"}\n'
