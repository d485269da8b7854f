from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire.captures.decode import body, capture

from trio_balancer.wire.haproxy_log import Severity
from trio_balancer.wire.haproxy_reply import (
    PAYLOAD_PROMPT,
    CommandError,
    SeverityOutput,
    frame,
    message,
    parse_severity_output,
)

NO_SERVER = "No such server."


def test_replies_end_as_haproxys_do() -> None:
    assert frame(body("info.txt")) == capture("info.txt").encode()
    assert frame("10 (initial 10)") == b"10 (initial 10)\n\n"
    assert frame("") == b"\n"


def test_in_interactive_mode_the_prompt_follows() -> None:
    assert frame("2.6.12", interactive=True) == b"2.6.12\n\n> "
    assert frame("", interactive=True) == b"\n> "
    assert PAYLOAD_PROMPT == "+ "


@given(st.text(st.characters(exclude_categories=())))
def test_an_empty_line_ends_a_reply_and_nothing_else(text: str) -> None:
    sent = frame(text)

    assert sent.endswith(b"\n")
    assert b"\n\n" not in sent[:-1]
    assert not sent.startswith(b"\n") or sent == b"\n"


@pytest.mark.parametrize(
    ("severity", "number", "name"),
    [
        (Severity.ERROR, "3", "err"),
        (Severity.WARNING, "4", "warning"),
        (Severity.INFO, "6", "info"),
        (Severity.DEBUG, "7", "debug"),
    ],
)
def test_a_message_may_say_how_bad_it_is(severity: Severity, number: str, name: str) -> None:
    assert message(NO_SERVER, severity, SeverityOutput.NONE) == NO_SERVER
    assert message(NO_SERVER, severity, SeverityOutput.NUMBER) == f"[{number}]: {NO_SERVER}"
    assert message(NO_SERVER, severity, SeverityOutput.STRING) == f"[{name}]: {NO_SERVER}"


def test_the_severity_output_is_one_of_three_words() -> None:
    assert parse_severity_output("string") is SeverityOutput.STRING
    with pytest.raises(CommandError, match="one of 'none', 'number', 'string' is a required"):
        parse_severity_output("loud")
