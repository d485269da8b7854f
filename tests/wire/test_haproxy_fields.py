from __future__ import annotations

import json

import pytest

from trio_balancer.wire.haproxy_fields import Field, ValueType

STATUS = Field(17, "status", ValueType.STR, "SGP", "State")
SESSIONS = Field(4, "scur", ValueType.U32, "MGP", "Connections")
BYTES = Field(8, "bin", ValueType.U64, "MCP", "Bytes")
LAST = Field(55, "lastsess", ValueType.S32, "MAP", "Seconds")


def test_a_typed_line_has_place_name_tags_type_and_value() -> None:
    assert STATUS.typed("UP 1/3") == "17.status.1:SGP:str:UP 1/3"


def test_json_has_the_tags_in_words() -> None:
    assert json.loads(f"{{{LAST.json(-1)}}}") == {
        "field": {"pos": 55, "name": "lastsess"},
        "processNum": 1,
        "tags": {"origin": "Metric", "nature": "Age", "scope": "Process"},
        "value": {"type": "s32", "value": -1},
    }


def test_json_numbers_stop_where_doubles_are_exact() -> None:
    assert BYTES.json(2**60).endswith('"value":{"type":"u64","value":9007199254740991}')


@pytest.mark.parametrize(
    ("field", "largest"), [(SESSIONS, 2**32 - 1), (LAST, 2**31 - 1), (BYTES, 2**64 - 1)]
)
def test_a_number_stops_at_the_largest_of_its_type(field: Field, largest: int) -> None:
    assert field.fit(largest) == largest
    assert field.fit(largest + 1) == largest


def test_a_number_may_not_be_too_small() -> None:
    assert LAST.fit(-1) == -1
    with pytest.raises(ValueError, match="scur cannot be -1: it is at least 0"):
        SESSIONS.fit(-1)


def test_a_number_is_no_text_and_no_truth() -> None:
    for value in ("3", True):
        with pytest.raises(TypeError, match="scur is a number"):
            SESSIONS.fit(value)
    with pytest.raises(TypeError, match="status is text, not 3"):
        STATUS.fit(3)


def test_text_stays_on_its_line() -> None:
    assert STATUS.fit('say "a"\nb\\') == r'say "a"\nb' + "\\"
