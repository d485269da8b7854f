from __future__ import annotations

import re

import pytest
from wire.captures.decode import KINDS, capture

from trio_balancer.wire.haproxy_columns import STAT_FIELDS, Kind, fields_of

HEADER = capture("stat-tcp.csv").splitlines()[0]


def test_the_names_are_haproxys_in_its_order() -> None:
    assert [field.name for field in STAT_FIELDS] == HEADER.removeprefix("# ").split(",")[:-2]
    assert len(STAT_FIELDS) == 103


@pytest.mark.parametrize("name", ["stat-tcp.typed", "stat-http.typed"])
def test_types_and_tags_are_haproxys(name: str) -> None:
    for line in capture(name).splitlines()[:-1]:
        letter, _, _, position, rest = line.split(".", 4)
        field = fields_of(KINDS[letter])[int(position)]

        assert re.match(f"{field.name}\\.1:{field.tags}:{field.type.value}:", rest), line


def test_the_captures_show_every_column() -> None:
    """So that no type or tag is a guess."""
    lines = (capture("stat-tcp.typed") + capture("stat-http.typed")).splitlines()
    shown = {int(line.split(".")[3]) for line in lines if line}

    assert shown == {field.position for field in STAT_FIELDS}


def test_a_type_is_its_number() -> None:
    assert [kind.value for kind in Kind] == [0, 1, 2, 3]


def test_each_column_has_a_meaning_that_fits_in_quotes() -> None:
    for field in STAT_FIELDS:
        assert re.fullmatch(r"[A-Z0-9][^\"\n]+[^.]", field.description), field
