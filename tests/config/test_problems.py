from __future__ import annotations

import datetime as dt

import pytest

from trio_balancer.config.problems import ConfigError, Problem, Report, dotted, set_option, shown


def test_a_problem_reads_as_one_line() -> None:
    problem = Problem("balancer.toml", 12, "pools.app.polcy", "unknown key", "policy")
    expected = "balancer.toml:12: pools.app.polcy: unknown key; did you mean 'policy'?"
    assert str(problem) == expected


def test_a_problem_leaves_out_what_it_does_not_know() -> None:
    assert str(Problem("a.toml", None, "", "cannot be read")) == "a.toml: cannot be read"
    assert str(Problem("", None, "balancer", "is wrong")) == "balancer: is wrong"


def test_the_error_lists_problems_in_the_order_of_the_file_and_the_others_last() -> None:
    lines = [None, 7, 3, None, 5]
    error = ConfigError(
        [Problem("f", line, str(nr), "wrong") for nr, line in enumerate(lines)],
    )
    assert [problem.key for problem in error.problems] == ["2", "4", "1", "0", "3"]
    assert str(error).splitlines()[0] == "f:3: 2: wrong"


def test_a_report_without_problems_raises_nothing() -> None:
    Report("f").raise_problems()


def test_a_report_looks_for_the_nearest_place() -> None:
    report = Report("f", {("a",): 3, ("a", "b"): "a.b=1"})
    for path in [("a", "x"), ("a", "b", 0), ("c",)]:
        report.add(path, "wrong")
    with pytest.raises(ConfigError) as caught:
        report.raise_problems()
    assert [(p.file, p.line) for p in caught.value.problems] == [
        ("f", 3),
        ("--set a.b=1", None),
        ("f", None),
    ]


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("pools", "app", "backends", 1, "weight"), "pools.app.backends[1].weight"),
        (("pools", "my app"), 'pools."my app"'),
        (("", "ä"), '""."ä"'),
        (("a\nb",), r'"a\nb"'),
    ],
)
def test_key_paths_are_written_as_toml_writes_them(path: tuple[str | int, ...], text: str) -> None:
    assert dotted(path) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({}, "a table"),
        ([1], "an array"),
        (True, "true"),
        (False, "false"),
        (10**30, "1" + "0" * 30),
        pytest.param(16**6000, "a number of hundreds of digits", id="huge"),
        pytest.param(-(16**6000), "a number of hundreds of digits", id="huge negative"),
        (float("nan"), "nan"),
        ("x\n", r"'x\n'"),
        (dt.date(2024, 2, 29), "the date or time 2024-02-29"),
    ],
)
def test_values_are_shown_as_people_know_them(value: object, text: str) -> None:
    assert shown(value) == text


@pytest.mark.parametrize(
    "value", ["x" * 10**6, "\0" * 61, 10**200], ids=["long", "escaped", "digits"]
)
def test_long_values_are_shortened(value: object) -> None:
    assert len(shown(value)) == 60
    assert shown(value).endswith("...")


def test_an_override_is_shown_on_one_line() -> None:
    assert set_option("a=1") == "--set a=1"
    assert set_option("a=1\nb") == r"--set 'a=1\nb'"
    assert len(set_option("a=" + "x" * 1000)) == len("--set ") + 60
