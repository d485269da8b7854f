from __future__ import annotations

from pathlib import Path

import pytest

from trio_balancer.config.access_lists import read_list
from trio_balancer.config.model_access import NetworkList
from trio_balancer.config.networks import network
from trio_balancer.config.problems import Report
from trio_balancer.config.reader import TableReader


def read(base: Path, **table: object) -> tuple[NetworkList | None, list[str]]:
    section = TableReader(table, ("access",), Report(""))
    entries = read_list(section, "allow", base)
    section.report_unknown_keys()
    return entries, [str(problem) for problem in section.report.problems]


def listed(*texts: str, unix: bool = False) -> NetworkList:
    return NetworkList(tuple(network(text) for text in texts), unix=unix)


def test_neither_is_no_list(tmp_path: Path) -> None:
    assert read(tmp_path) == (None, [])


def test_an_inline_list(tmp_path: Path) -> None:
    entries = read(tmp_path, allow=["10.0.0.0/8", "::1", "unix:", "::ffff:192.0.2.0/120"])
    assert entries == (listed("10.0.0.0/8", "::1/128", "192.0.2.0/24", unix=True), [])
    assert read(tmp_path, allow="::1") == (listed("::1"), [])


def test_an_empty_list_is_a_list(tmp_path: Path) -> None:
    (tmp_path / "nobody").write_text("# nobody yet\n\n")
    assert read(tmp_path, allow=[]) == (NetworkList(), [])
    assert read(tmp_path, allow_file="nobody") == (NetworkList(), [])


def test_bad_entries(tmp_path: Path) -> None:
    entries, [first, second] = read(tmp_path, allow=["10.0.0.1/8", "10.0.0.0/8", 4])
    assert entries == listed("10.0.0.0/8")
    assert first == (
        "access.allow[0]: expected a network without bits after its prefix, got '10.0.0.1/8'; "
        "did you mean '10.0.0.0/8'?"
    )
    assert second == (
        "access.allow[2]: expected a network like '10.0.0.0/8' or an IP address, got 4"
    )


def test_a_file_is_merged(tmp_path: Path) -> None:
    text = "\ufeff# our own\r\n10.0.0.0/8 # office\r\n\r\n  ::1\t\r\nunix:\n192.0.2.1"
    (tmp_path / "list.txt").write_text(text, encoding="utf-8", newline="")
    entries, problems = read(tmp_path, allow=["192.0.2.2"], allow_file="list.txt")
    assert entries == listed("192.0.2.2", "10.0.0.0/8", "::1", "192.0.2.1", unix=True)
    assert not problems


def test_an_absolute_path(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("::1\n")
    file = str(tmp_path / "list.txt")
    assert read(Path("/elsewhere"), allow_file=file) == (listed("::1"), [])


def test_bad_lines_are_named(tmp_path: Path) -> None:
    file = tmp_path / "list.txt"
    file.write_text("10.0.0.0/8\n\n# fine\n10.0.0.1/8\nlocalhost\n")
    entries, [first, second] = read(tmp_path, allow_file="list.txt")
    assert entries == listed("10.0.0.0/8")
    assert first == (
        f"access.allow_file: {file}:4: expected a network without bits after its prefix, "
        "got '10.0.0.1/8'; did you mean '10.0.0.0/8'?"
    )
    assert second == (
        f"access.allow_file: {file}:5: expected a network like '10.0.0.0/8' or an IP address, "
        "got 'localhost'"
    )


@pytest.mark.parametrize(("bad", "told"), [(10, 10), (11, 11), (5000, 11)])
def test_a_file_of_another_kind_has_few_problems(tmp_path: Path, bad: int, told: int) -> None:
    (tmp_path / "list.txt").write_text("no network\n" * bad)
    problems = read(tmp_path, allow_file="list.txt")[1]
    assert len(problems) == told
    more = [problem for problem in problems if problem.endswith("more lines are no networks")]
    assert [problem.split()[-6] for problem in more] == [str(bad - 10)] * (told - 10)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    problems = read(tmp_path, allow_file="list.txt")[1]
    assert problems == [
        f"access.allow_file: {tmp_path / 'list.txt'} cannot be read: No such file or directory"
    ]


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_bytes(b"10.0.0.0/8\n\xff")
    entries, [problem] = read(tmp_path, allow_file="list.txt")
    assert entries == NetworkList()
    assert problem == (
        f"access.allow_file: {tmp_path / 'list.txt'} is not UTF-8 text: "
        "invalid start byte at byte 11"
    )


@pytest.mark.parametrize("value", [4, "", "a\nb", ["list.txt"]])
def test_what_is_no_path(tmp_path: Path, value: object) -> None:
    [problem] = read(tmp_path, allow_file=value)[1]
    assert problem.startswith("access.allow_file: expected the path of a file, got ")
