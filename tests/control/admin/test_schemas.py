from __future__ import annotations

import jsonschema
import pytest

from trio_balancer.control.admin.schemas import SCHEMAS, or_null, shape, string, whole


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_is_a_json_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


@pytest.mark.parametrize("value", [None, 0, 5])
def test_null_may_stand_for_none(value: int | None) -> None:
    jsonschema.validate(value, or_null(whole("")))


def test_all_members_must_be_there() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({}, shape("", name=string("")))
