from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.wire.host_name import canonical_host_name, is_ip_address

LONGEST = ".".join(["a" * 63] * 3 + ["b" * 61])


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("a.example", "a.example"),
        ("A.Example.", "a.example"),
        ("localhost", "localhost"),
        ("my_service", "my_service"),
        ("r3---sn-.example", "r3---sn-.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("1.2.3", "1.2.3"),
        (LONGEST, LONGEST),
        (f"{LONGEST}.", LONGEST),
    ],
)
def test_host_names(text: str, name: str) -> None:
    assert canonical_host_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "a..",
        ".a",
        "a..b",
        "a b",
        "a\n",
        "a\0b",
        "*.a",
        "a:80",
        "::1",
        "bücher.example",
        "\N{KELVIN SIGN}.example",
        "a" * 64,
        f"{LONGEST}b",
    ],
)
def test_what_is_no_host_name(text: str) -> None:
    assert canonical_host_name(text) is None


@given(st.text() | st.text(st.sampled_from("aA-_.9 ")))
def test_any_text_gives_a_safe_name_that_stays_itself_or_none(text: str) -> None:
    name = canonical_host_name(text)
    assert name is None or re.fullmatch("[a-z0-9_.-]{1,253}", name)
    assert name is None or canonical_host_name(name) == name


@pytest.mark.parametrize("text", ["127.0.0.1", "::1", "fe80::1%eth0", "::ffff:10.0.0.1"])
def test_ip_addresses(text: str) -> None:
    assert is_ip_address(text)


@pytest.mark.parametrize("text", ["", "a.example", "1.2.3", "[::1]", "1.2.3.4.", "1." * 1000])
def test_what_is_no_ip_address(text: str) -> None:
    assert not is_ip_address(text)
