from __future__ import annotations

import math
import re
import warnings
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config.filter_values import (
    byte_rate,
    check_template,
    data_file,
    literal,
    regex,
    replacement,
    size_or_off,
    split_class,
)


@pytest.mark.parametrize(("text", "rate"), [("1B/s", 1.0), ("1MB/s", 1e6), ("64KiB/s", 65536.0)])
def test_rates(text: str, rate: float) -> None:
    assert byte_rate(text) == rate


@pytest.mark.parametrize(
    "value", ["1MB", "0B/s", "1MB/m", "/s", "1MB/s/s", 1, True, None, math.nan]
)
def test_what_is_no_rate(value: object) -> None:
    with pytest.raises(ValueError, match="expected a rate of bytes like"):
        byte_rate(value)


def test_sizes() -> None:
    assert size_or_off("4KiB") == 4096
    assert size_or_off("off") == math.inf


@pytest.mark.parametrize("value", ["0B", "-1B", 4096, "OFF", None])
def test_what_is_no_size(value: object) -> None:
    with pytest.raises(ValueError, match="expected a size like"):
        size_or_off(value)


def test_literals_are_utf8() -> None:
    assert literal("grün\x00") == b"gr\xc3\xbcn\x00"
    assert replacement("") == b""


@pytest.mark.parametrize("value", ["", 1, None, "x" * 4097, "\udcff"])
def test_what_is_no_literal(value: object) -> None:
    with pytest.raises(ValueError, match="expected "):
        literal(value)


@pytest.mark.parametrize("value", [1, None, "x" * 4097, "\udcff"])
def test_what_is_no_replacement(value: object) -> None:
    with pytest.raises(ValueError, match="expected "):
        replacement(value)


def test_a_regex_matches_bytes() -> None:
    assert regex(r"\xff+").search(b"\xff\xff")


@pytest.mark.parametrize(
    "value", ["(", "a**", r"\1", "", "a*", "(?i", "a{99999999999}", "(?P<n>a", 1, "x" * 5000]
)
def test_what_is_no_regex(value: object) -> None:
    with pytest.raises(ValueError, match="expected "):
        regex(value)


@given(st.text(r"ab()[]{}*+?\|^$.,-1<>=!:P", max_size=30))
def test_a_regex_or_a_sentence(text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)  # "possible nested set"
        try:
            assert regex(text).search(b"") is None
        except ValueError as error:
            assert str(error).startswith("expected ")  # noqa: PT017 - either is right


def test_templates() -> None:
    check_template(re.compile(b"(a)(?P<n>b)"), rb"\2\g<1>\g<n>\n")


@pytest.mark.parametrize("template", [rb"\2", rb"\g<n>", rb"\g<", rb"\q"])
def test_what_is_no_template(template: bytes) -> None:
    with pytest.raises(ValueError, match="does not fit the regular expression: "):
        check_template(re.compile(b"(a)"), template)


def test_files_are_relative_to_the_folder_of_the_configuration() -> None:
    parse = data_file(PurePosixPath("/etc"))
    assert parse("f.pcapng") == "/etc/f.pcapng"
    assert parse("/var/f.pcapng") == "/var/f.pcapng"


@pytest.mark.parametrize("value", ["", "a\nb", 1, None, "a\0"])
def test_what_is_no_file(value: object) -> None:
    with pytest.raises(ValueError, match="expected the path of a file"):
        data_file(PurePosixPath())(value)


def test_classes() -> None:
    assert split_class("module:Class") == ("module", "Class")
    assert split_class("my.own_module:Class.Inner") == ("my.own_module", "Class.Inner")


@pytest.mark.parametrize("value", ["log", "a:", ":B", "a.:B", "a:b:c", "a b:c", "1a:b", "a/b:c"])
def test_what_is_no_class(value: str) -> None:
    assert split_class(value) is None
