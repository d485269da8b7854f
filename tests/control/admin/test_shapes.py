from __future__ import annotations

import jsonschema
import pytest

from trio_balancer.control.admin.shapes import or_null, shape, string, whole


@pytest.mark.parametrize("value", [None, 0, 5])
def test_null_may_stand_for_none(value: int | None) -> None:
    jsonschema.validate(value, or_null(whole("")))


def test_all_members_must_be_there() -> None:
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({}, shape("", name=string("")))
