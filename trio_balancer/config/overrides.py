"""`--set KEY=VALUE`: one value of the file replaced from the command line."""

from __future__ import annotations

import re

import tomli

from trio_balancer.config.problems import KeyPath, Problem, Report, dotted, set_option

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:\\[^\n]|[^"\\\n])*"|'[^'\n]*')"""
_OVERRIDE = re.compile(
    rf"(?P<key>\s*{_PART}(?:\s*\.\s*{_PART})*\s*)=(?P<value>.*)", re.DOTALL | re.ASCII
)


def apply_override(document: dict[str, object], override: str, report: Report) -> None:
    """Put the value of `KEY=VALUE` into the document, and make the tables on its way.

    KEY is a dotted key as in TOML; VALUE is a TOML value or else a bare string. A problem goes
    to the report, and leaves the document as it was.
    """
    match = _OVERRIDE.fullmatch(override)
    path = _key_path(match["key"]) if match else ()
    if match is None or not path:
        message = "expected KEY=VALUE, like 'pools.app.connect_timeout=2s'"
        report.problems.append(Problem(set_option(override), None, "", message))
        return
    _put(document, path, _value(match["value"]), override, report)


def _key_path(key: str) -> tuple[str, ...]:
    """Let tomli read the key: it becomes a chain of tables with one key each."""
    try:
        table: object = tomli.loads(f"{key.strip()} = 0")
    except (ValueError, RecursionError):
        return ()
    path: tuple[str, ...] = ()
    while isinstance(table, dict):
        [(part, table)] = table.items()
        path += (part,)
    return path


def _value(text: str) -> object:
    try:
        table = tomli.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    # A line break in the text could have brought other keys with it.
    return table["value"] if len(table) == 1 else text


def _put(
    document: dict[str, object],
    path: tuple[str, ...],
    value: object,
    override: str,
    report: Report,
) -> None:
    table = document
    for end, part in enumerate(path[:-1], start=1):
        if part not in table:
            report.places[path[:end]] = override
        inner = table.setdefault(part, {})
        if not isinstance(inner, dict):
            message = f"cannot be set, because {dotted(path[:end])} is no table"
            report.problems.append(Problem(set_option(override), None, dotted(path), message))
            return
        table = inner
    table[path[-1]] = value
    _move(report.places, path, override)


def _move(places: dict[KeyPath, int | str], path: KeyPath, override: str) -> None:
    """Forget the lines of what was replaced."""
    for place in [place for place in places if place[: len(path)] == path]:
        del places[place]
    places[path] = override
