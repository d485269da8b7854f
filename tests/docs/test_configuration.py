"""The page of all keys, held against the readers of the configuration."""

from __future__ import annotations

import attrs
from support.asked_keys import asked_keys
from support.pages import page, prose, rows, words

from trio_balancer.config.model_effects import EFFECTS
from trio_balancer.control.restart import FOR_GOOD

ROWS = rows(page("configuration.md"))
# Attributes of faults depend on the type, and keys of filters on the kind.
BY_KIND = {
    "[listeners.NAME.faults.attributes]",
    "[pools.NAME.faults.attributes]",
    "[[listeners.NAME.filters]]",
}


def documented(heading: str) -> list[str]:
    return [key for row in ROWS.get(heading, []) for key in words(row[0])]


def test_every_key_is_there_and_no_other() -> None:
    asked = asked_keys()
    tables = {heading.strip("[]") for heading in asked}
    for heading, keys in asked.items():
        if heading not in BY_KIND:
            told = documented(heading)
            own = [key for key in told if f"{heading.strip('[]')}.{key}" not in tables]
            assert (heading, sorted(own)) == (heading, sorted(keys))


def test_every_table_is_there_and_no_other() -> None:
    with_keys = {heading for heading, keys in asked_keys().items() if keys} - BY_KIND
    tables = {heading for heading in ROWS if heading.startswith("[")}
    assert tables == with_keys | {"[[listeners.NAME.filters]]"}


def test_every_key_of_a_filter_is_on_the_page_of_filters() -> None:
    code = words(prose(page("filters.md")))
    assert documented("[[listeners.NAME.filters]]") == ["use"]
    missing = [
        key
        for key in asked_keys()["[[listeners.NAME.filters]]"] - {"use"}
        if not any(key == word or word.startswith(f"{key} = ") for word in code)
    ]
    assert missing == []


def test_every_type_of_fault_with_its_attributes() -> None:
    told = {words(kind)[0]: words(attributes) for kind, attributes, _ in ROWS["Fault types"]}
    real = {name: [field.name for field in attrs.fields(kind)] for name, kind in EFFECTS.items()}
    assert told == real


def test_what_needs_a_restart() -> None:
    told = {
        f"{heading.strip('[]')}.{key}"
        for heading in ("[balancer]", "[log]", "[control]", "[admin]")
        for name, _default, when, *_ in ROWS[heading]
        if when == "restart"
        for key in words(name)
    }
    assert told == set(FOR_GOOD)
