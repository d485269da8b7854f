from __future__ import annotations

import jsonschema
import pytest

from trio_balancer.control.admin.schemas import SCHEMAS


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_is_a_json_schema(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
