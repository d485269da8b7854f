"""What the package offers, and that each name of it has one home."""

from __future__ import annotations

import ast
from pathlib import Path

import trio_balancer

INIT = Path(trio_balancer.__file__)


def _imported() -> list[str]:
    tree = ast.parse(INIT.read_text())
    imports = [node for node in tree.body if isinstance(node, ast.ImportFrom)]
    return [alias.asname or alias.name for node in imports for alias in node.names]


def test_each_name_is_re_exported_exactly_once() -> None:
    imported = _imported()
    assert sorted(imported) == sorted(set(imported)) == sorted(trio_balancer.__all__)


def test_each_name_is_there() -> None:
    assert [name for name in trio_balancer.__all__ if not hasattr(trio_balancer, name)] == []


def test_each_name_is_explained() -> None:
    unexplained = [
        name for name in trio_balancer.__all__ if not getattr(trio_balancer, name).__doc__
    ]
    assert unexplained == []


def test_what_users_need_is_there() -> None:
    assert {"serve", "load_config", "parse_config", "Balancer", "Record", "ConfigError"} <= set(
        trio_balancer.__all__
    )


def test_the_version_is_one() -> None:
    numbers = trio_balancer.__version__.split(".")
    assert len(numbers) == 3
    assert all(number.isdigit() for number in numbers[:2])
