from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from support.filtered import Around, listener, lone_connection

from trio_balancer.config.model_filters import (
    BandwidthFilterConfig,
    CustomFilterConfig,
    DenyFilterConfig,
    FilterConfig,
    LogFilterConfig,
    Needle,
    PcapFilterConfig,
    RecordFilterConfig,
    ReplaceFilterConfig,
)
from trio_balancer.filters import FilterConfigError, check_filters, load_filters
from trio_balancer.filters.bandwidth import BandwidthFilter
from trio_balancer.filters.deny import DenyFilter
from trio_balancer.filters.interface import Filter
from trio_balancer.filters.load import make_makers
from trio_balancer.filters.log import LogFilter
from trio_balancer.filters.pcap import PcapFilter
from trio_balancer.filters.record import RecordFilter
from trio_balancer.filters.replace import ReplaceFilter

NEEDLE = Needle(b"x", 1)


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_every_kind_of_filter(tmp_path: Path) -> None:
    makers, files = make_makers(
        [
            LogFilterConfig("0"),
            PcapFilterConfig("1", str(tmp_path / "1")),
            RecordFilterConfig("2", str(tmp_path / "2")),
            ReplaceFilterConfig("3", NEEDLE, b""),
            DenyFilterConfig("4", NEEDLE),
            BandwidthFilterConfig("5"),
            CustomFilterConfig("6", "trio_balancer.filters", "Filter"),
        ],
        Around().surroundings,
    )
    assert [type(maker(lone_connection())) for maker in makers] == [
        LogFilter,
        PcapFilter,
        RecordFilter,
        ReplaceFilter,
        DenyFilter,
        BandwidthFilter,
        Filter,
    ]
    for file in files:
        file.close()


def test_files_are_open_from_the_start(tmp_path: Path) -> None:
    before = open_files()
    config = RecordFilterConfig("f", str(tmp_path / "f"))
    filters = load_filters(listener(config), Around().surroundings)
    assert (tmp_path / "f").exists()
    filters.close()
    assert open_files() == before


def test_all_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    wrong: list[FilterConfig] = [
        CustomFilterConfig("a[0]", "own_absent", "X"),
        LogFilterConfig("a[1]"),
        RecordFilterConfig("a[2]", str(tmp_path / "missing" / "f")),
        PcapFilterConfig("a[3]", str(tmp_path)),
        ReplaceFilterConfig("a[4]", Needle(re.compile(b"a"), 101), b""),
    ]
    with pytest.raises(FilterConfigError) as caught:
        load_filters(listener(*wrong, buffer=100), Around().surroundings)
    assert caught.value.problems == (
        ("a[0]", "there is no module 'own_absent'; is it installed, or on PYTHONPATH?"),
        ("a[2]", f"the file '{tmp_path}/missing/f' cannot be written"),
        ("a[3]", f"the file '{tmp_path}' cannot be written"),
        ("a[4]", "a match may have more bytes than filter_buffer, 100"),
    )
    assert str(caught.value).startswith("a[0]: there is no module")


def test_a_check_opens_nothing(tmp_path: Path) -> None:
    check_filters(
        listener(RecordFilterConfig("f", str(tmp_path / "f")), DenyFilterConfig("d", NEEDLE))
    )
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_opened_leaves_nothing_open(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    before = open_files()
    wrong = [
        RecordFilterConfig("a[0]", str(tmp_path / "f")),
        RecordFilterConfig("a[1]", str(tmp_path / "pipe")),
    ]
    with pytest.raises(FilterConfigError, match=r"a\[1\]: the file '.*pipe' cannot be opened: No"):
        load_filters(listener(*wrong), Around().surroundings)
    assert open_files() == before


def test_trouble_with_a_file_is_told() -> None:
    around = Around()
    _, [file] = make_makers([RecordFilterConfig("f", "/dev/full")], around.surroundings)
    file.write(b"x")
    file.write(b"x")
    file.close()
    reason = {"filter": "f", "file": "/dev/full", "reason": "No space left on device"}
    assert around.warnings == [("file f", "A filter's file cannot be written", reason)]
