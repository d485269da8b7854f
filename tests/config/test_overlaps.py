from __future__ import annotations

import pytest

from trio_balancer.config.overlaps import Bound, overlap, report_overlaps
from trio_balancer.config.problems import Report
from trio_balancer.wire.address import NamedAddress, parse_address


def _overlaps(texts: str, *, v6only: bool = False) -> list[str]:
    report = Report("f")
    bound = []
    for index, text in enumerate(texts.split()):
        address = parse_address(text)
        assert not isinstance(address, NamedAddress)
        bound.append(Bound(("bind", index), address, v6only))
    report_overlaps(bound, report)
    return [f"{problem.key}: {problem.message}" for problem in report.problems]


@pytest.mark.parametrize(
    "texts",
    [
        "127.0.0.1:80 127.0.0.1:81",
        "127.0.0.1:80 127.0.0.2:80 [::1]:80",
        "127.0.0.1:0 127.0.0.1:0 0.0.0.0:0 [::]:0",
        "0.0.0.0:80 127.0.0.1:81",
        "0.0.0.0:80 [::1]:80",
        "[fe80::1%eth0]:80 [fe80::1%eth1]:80",
        "unix:/a unix:/b",
    ],
)
def test_what_can_be_bound_together(texts: str) -> None:
    assert _overlaps(texts) == []


@pytest.mark.parametrize("text", ["127.0.0.1:80", "[::1]:80", "unix:/a"])
def test_an_address_is_bound_once(text: str) -> None:
    assert _overlaps(f"{text} {text}") == [f"bind[1]: {text} is bound twice"]


def test_a_mapped_address_is_the_ipv4_one() -> None:
    assert _overlaps("127.0.0.1:80 [::ffff:127.0.0.1]:80") == [
        "bind[1]: 127.0.0.1:80 is bound twice"
    ]


@pytest.mark.parametrize(
    ("first", "second"), [("0.0.0.0:80", "127.0.0.1:80"), ("[::]:80", "[::1]:80")]
)
def test_all_addresses_include_each(first: str, second: str) -> None:
    message = "{} overlaps with {}, so they cannot both be bound"
    assert _overlaps(f"{first} {second}") == [f"bind[1]: {message.format(second, first)}"]
    assert _overlaps(f"{second} {first}") == [f"bind[1]: {message.format(first, second)}"]


@pytest.mark.parametrize("ipv4", ["0.0.0.0:80", "127.0.0.1:80"])
def test_all_of_ipv6_includes_ipv4_unless_v6only(ipv4: str) -> None:
    for texts in (f"{ipv4} [::]:80", f"[::]:80 {ipv4}"):
        [problem] = _overlaps(texts)
        assert problem.endswith("[::] takes IPv4 clients too, unless v6only = true")
        assert _overlaps(texts, v6only=True) == []


def test_one_problem_for_each_address_in_the_way() -> None:
    assert len(_overlaps("127.0.0.1:80 127.0.0.2:80 0.0.0.0:80")) == 1


@pytest.mark.parametrize(
    ("first", "second", "overlaps"),
    [
        ("127.0.0.1:80", "127.0.0.1:80", True),
        ("127.0.0.1:80", "127.0.0.2:80", False),
        ("127.0.0.1:80", "0.0.0.0:80", True),
        ("127.0.0.1:80", "0.0.0.0:81", False),
        ("0.0.0.0:80", "[::1]:80", False),
        ("0.0.0.0:80", "[::]:80", True),
        ("unix:/a", "unix:/a", True),
        ("unix:/a", "unix:/b", False),
        ("unix:/a", "127.0.0.1:80", False),
    ],
)
def test_two_that_overlap_do_so_in_either_order(first: str, second: str, overlaps: bool) -> None:  # noqa: FBT001  # a table
    one, other = (_bound(text) for text in (first, second))
    assert overlap(one, other) is overlaps
    assert overlap(other, one) is overlaps


def test_an_ipv6_wildcard_alone_leaves_ipv4_alone() -> None:
    assert not overlap(_bound("[::]:80", v6only=True), _bound("0.0.0.0:80"))


def _bound(text: str, *, v6only: bool = False) -> Bound:
    address = parse_address(text)
    assert not isinstance(address, NamedAddress)
    return Bound((), address, v6only)
