from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config.server_names import matching_patterns, server_name_pattern
from trio_balancer.config.values import MisspeltError


@pytest.mark.parametrize(
    ("written", "pattern"),
    [
        ("a.example", "a.example"),
        ("A.Example.", "a.example"),
        ("*.B.example.", "*.b.example"),
        ("*.example", "*.example"),
        ("*", "*"),
        ("localhost", "localhost"),
    ],
)
def test_patterns(written: str, pattern: str) -> None:
    assert server_name_pattern(written) == pattern


@pytest.mark.parametrize(
    "value",
    [
        *("", ".", "*.", "*a.example", "a.*.example", "*.*.example", "**", ".b.example"),
        *("a:443", "a b", "https://a.example", "a\n", "x" * 10**6),
        *(1, True, ["a"], {}),
    ],
)
def test_what_is_no_pattern_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="expected a server name like ") as caught:
        server_name_pattern(value)
    assert len(str(caught.value)) < 200


@pytest.mark.parametrize("value", ["127.0.0.1", "::1", "*.10.0.0.1"])
def test_an_ip_address_is_never_sent(value: str) -> None:
    with pytest.raises(ValueError, match="TLS clients do not send IP addresses"):
        server_name_pattern(value)


@pytest.mark.parametrize(
    ("value", "suggestion"),
    [
        ("bücher.example", "xn--bcher-kva.example"),
        ("*.Bücher.example", "*.xn--bcher-kva.example"),
        ("straße.example", None),  # two answers: that of 2003, and that of 2008
        ("ü..example", None),
        ("ü" * 250, None),
        ("ü example", None),
        ("\udcff", None),
    ],
)
def test_an_internationalised_name_is_written_as_clients_send_it(
    value: str, suggestion: str | None
) -> None:
    with pytest.raises(MisspeltError) as caught:
        server_name_pattern(value)
    assert caught.value.suggestion == suggestion


def _read(text: str) -> str:
    """Return the pattern, or the sentence that says why there is none."""
    try:
        return server_name_pattern(text)
    except ValueError as error:
        return str(error)


@given(st.text() | st.text(st.sampled_from("*.aü-")))
def test_any_text_is_a_pattern_that_stays_itself_or_a_short_sentence(text: str) -> None:
    answer = _read(text)
    assert answer.isprintable()
    assert len(answer) < 300
    assert answer.startswith("expected ") or server_name_pattern(answer) == answer


@pytest.mark.parametrize(
    ("name", "patterns"),
    [
        ("a.b.example", {"*", "a.b.example", "*.b.example", "*.example"}),
        ("localhost", {"*", "localhost"}),
        ("*.b.example", {"*", "*.b.example", "*.example"}),
        ("*", {"*"}),
    ],
)
def test_all_patterns_that_match(name: str, patterns: set[str]) -> None:
    assert set(matching_patterns(name)) == patterns
