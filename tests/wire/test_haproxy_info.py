from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from wire.captures.decode import body

from trio_balancer.wire.haproxy_fields import Format, ValueType
from trio_balancer.wire.haproxy_info import (
    INFO_FIELDS,
    InfoQuery,
    parse_info_query,
    show_info,
    uptime,
)
from trio_balancer.wire.haproxy_reply import CommandError

if TYPE_CHECKING:
    from trio_balancer.wire.haproxy_fields import Value


def decode(name: str) -> dict[str, Value]:
    types = {field.name: field.type for field in INFO_FIELDS}
    texts = dict(line.split(": ", 1) for line in body(name).splitlines())
    return {
        name: text if types[name] is ValueType.STR else int(text) for name, text in texts.items()
    }


def decode_typed(text: str) -> dict[str, Value]:
    values: dict[str, Value] = {}
    for line in text.splitlines():
        match = re.match(r"\d+\.(.+)\.1:\w+:(\w+):(.*)\Z", line)
        assert match is not None, line
        values[match[1]] = match[3] if match[2] == "str" else int(match[3])
    return values


def test_text_is_what_haproxy_wrote() -> None:
    assert show_info(decode("info.txt"), InfoQuery()) == body("info.txt")


def test_typed_is_what_haproxy_wrote() -> None:
    values = decode_typed(body("info.typed"))

    assert show_info(values, parse_info_query(["typed"])) == body("info.typed")


def test_json_is_what_haproxy_wrote() -> None:
    items = json.loads(body("info.json"))
    values = {item["field"]["name"]: item["value"]["value"] for item in items}

    assert show_info(values, parse_info_query(["json"])) == body("info.json")


def test_what_is_not_known_is_left_out() -> None:
    values: dict[str, Value] = {"Uptime_sec": 28, "Name": "trio-balancer"}

    assert show_info(values, InfoQuery()) == "Name: trio-balancer\nUptime_sec: 28\n"


def test_what_is_described_ends_with_its_meaning() -> None:
    values: dict[str, Value] = {"Pid": 7}

    text = show_info(values, parse_info_query(["desc"]))
    line = show_info(values, parse_info_query(["typed", "desc"]))

    assert text == 'Pid: 7:"Process number of the operating system"\n'
    assert line == '6.Pid.1:SGP:u32:7:"Process number of the operating system"\n'


def test_a_name_that_haproxy_does_not_have_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="`show info` has no Pidd"):
        show_info({"Pidd": 7}, InfoQuery())


def test_the_last_format_wins() -> None:
    assert parse_info_query(["typed", "json"]) == InfoQuery(Format.JSON)
    assert parse_info_query([]) == InfoQuery()


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(CommandError, match='Unknown option "xml", expected typed'):
        parse_info_query(["xml"])


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(28.9, "0d 0h00m28s"), (3723, "0d 1h02m03s"), (90061, "1d 1h01m01s"), (0, "0d 0h00m00s")],
)
def test_an_uptime_in_words(seconds: float, text: str) -> None:
    assert uptime(seconds) == text
