from __future__ import annotations

import math
import re
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trio_balancer.config.filters import read_filters
from trio_balancer.config.model_filters import (
    BandwidthFilterConfig,
    CustomFilterConfig,
    DenyFilterConfig,
    Direction,
    DumpFormat,
    FilterConfig,
    LogFilterConfig,
    Needle,
    PcapFilterConfig,
    RecordFilterConfig,
    ReplaceFilterConfig,
    Rotation,
)
from trio_balancer.config.problems import Report
from trio_balancer.config.reader import TableReader

WHERE = "listeners.web.filters[0]"


def read(*tables: object) -> tuple[tuple[FilterConfig, ...], list[str]]:
    section = TableReader({"filters": list(tables)}, ("listeners", "web"), Report("f"))
    filters = read_filters(section, PurePosixPath("/base"))
    section.report_unknown_keys()
    return filters, [
        str(problem).removeprefix(f"f: {WHERE}") for problem in section.report.problems
    ]


def test_none() -> None:
    assert read() == ((), [])
    section = TableReader({}, (), Report("f"))
    assert read_filters(section, PurePosixPath()) == ()


@pytest.mark.parametrize(
    ("table", "config"),
    [
        ({"use": "log"}, LogFilterConfig(WHERE)),
        (
            {"use": "log", "format": "hex", "max_bytes": "off", "direction": "from-client"},
            LogFilterConfig(WHERE, Direction.FROM_CLIENT, DumpFormat.HEX, math.inf),
        ),
        ({"use": "pcap", "file": "f"}, PcapFilterConfig(WHERE, "/base/f")),
        (
            {"use": "pcap", "file": "f", "max_size": "1MB", "files": 2},
            PcapFilterConfig(WHERE, "/base/f", Rotation(1e6, 2)),
        ),
        ({"use": "record", "file": "/f"}, RecordFilterConfig(WHERE, "/f")),
        (
            {"use": "record", "file": "/f", "data": True, "max_size": "off", "files": 1},
            RecordFilterConfig(WHERE, "/f", data=True, rotation=Rotation(math.inf, 1)),
        ),
        (
            {"use": "replace", "pattern": "a", "with": ""},
            ReplaceFilterConfig(WHERE, Needle(b"a", 1), b""),
        ),
        (
            {"use": "replace", "regex": "(a)", "with": r"\1", "max_match": "1KiB"},
            ReplaceFilterConfig(WHERE, Needle(re.compile(b"(a)"), 1024), rb"\1"),
        ),
        (
            {"use": "replace", "pattern": "ab", "with": "b", "max_hold": "off"},
            ReplaceFilterConfig(WHERE, Needle(b"ab", 2), b"b", max_hold=math.inf),
        ),
        (
            {"use": "deny", "pattern": "a", "direction": "from-backend"},
            DenyFilterConfig(WHERE, Needle(b"a", 1), Direction.FROM_BACKEND),
        ),
        (
            {"use": "deny", "regex": "a"},
            DenyFilterConfig(WHERE, Needle(re.compile(b"a"), 4096)),
        ),
        ({"use": "bandwidth", "up": "1MB/s"}, BandwidthFilterConfig(WHERE, up=1e6)),
        (
            {
                "use": "bandwidth",
                "down": "1B/s",
                "burst": "2B",
                "listener_up": "3B/s",
                "listener_down": "4B/s",
                "listener_burst": "5B",
            },
            BandwidthFilterConfig(WHERE, math.inf, 1, 2, 3, 4, 5),
        ),
        (
            {"use": "my.module:Class", "volume": 11, "direction": ["any"]},
            CustomFilterConfig(WHERE, "my.module", "Class", {"volume": 11, "direction": ["any"]}),
        ),
    ],
)
def test_every_key(table: dict[str, object], config: FilterConfig) -> None:
    assert read(table) == ((config,), [])


def test_filters_keep_their_order() -> None:
    filters, problems = read({"use": "a:B"}, {"use": "log"})
    assert [config.where[-3:] for config in filters] == ["[0]", "[1]"]
    assert problems == []


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({}, ".use: is required, but missing"),
        ({"volume": 11}, ".use: is required, but missing"),
        ({"use": 1}, ".use: expected the name of a filter, got 1"),
        ({"use": "log", "max_byts": 1}, ".max_byts: unknown key; did you mean 'max_bytes'?"),
        ({"use": "pcap"}, ".file: is required, but missing"),
        ({"use": "pcap", "file": "f", "files": 101}, ".files: expected a whole number from 1"),
        ({"use": "record"}, ".file: is required, but missing"),
        ({"use": "record", "file": "f", "data": 1}, ".data: expected true or false"),
        ({"use": "replace", "pattern": "a"}, ".with: is required, but missing"),
        ({"use": "replace", "with": ""}, ".pattern: is required, or else regex, and not both"),
        (
            {"use": "deny", "pattern": "a", "regex": "a"},
            ".pattern: is required, or else regex, and not both",
        ),
        ({"use": "deny", "pattern": ""}, ".pattern: expected text"),
        ({"use": "deny", "regex": "("}, ".regex: expected a regular expression, got '(': missing"),
        (
            {"use": "deny", "pattern": "a", "max_match": "1B"},
            ".max_match: is only for a regex",
        ),
        (
            {"use": "replace", "regex": "a", "with": r"\1"},
            ".with: does not fit the regular expression: invalid group reference 1",
        ),
        (
            {"use": "bandwidth"},
            ".up: is required, or down, listener_up or listener_down",
        ),
        (
            {"use": "bandwidth", "listener_up": "1B/s", "burst": "1B"},
            ".burst: is for up and down, and there is neither",
        ),
        (
            {"use": "bandwidth", "up": "1B/s", "listener_burst": "1B"},
            ".listener_burst: is for listener_up and listener_down, and there is neither",
        ),
        ("log", ": expected a table, got 'log'"),
    ],
)
def test_what_is_wrong(table: object, problem: str) -> None:
    problems = read(table)[1]
    assert problems[0].startswith(problem)
    # A filter that is no table has no `use` either.
    assert len(problems) == (2 if table == "log" else 1)


def test_a_misspelt_filter_is_one_problem() -> None:
    filters, [problem] = read({"use": "bandwith", "up": "1B/s"})
    assert filters == ()
    assert problem.startswith(".use: expected one of 'log', 'pcap', ")
    assert problem.endswith(
        ", or 'package.module:Class', got 'bandwith'; did you mean 'bandwidth'?"
    )


NAMES = ["use", "file", "pattern", "regex", "with", "up", "burst", "max_match", "format", "x"]
VALUES = st.one_of(
    st.sampled_from(["log", "pcap", "record", "replace", "deny", "bandwidth", "a:B", "1KiB", "a"]),
    st.text(max_size=5),
    st.integers(),
    st.floats(),
    st.booleans(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=2), st.integers(), max_size=2),
)


@given(st.lists(st.dictionaries(st.sampled_from(NAMES), VALUES), max_size=3))
def test_any_tables_are_read_or_reported(tables: list[dict[str, object]]) -> None:
    filters, problems = read(*tables)
    assert len(filters) == len(tables) or problems
