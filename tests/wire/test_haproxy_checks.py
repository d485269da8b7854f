from __future__ import annotations

import pytest
from wire.captures.decode import body, rows_of_csv

from trio_balancer.wire.haproxy_checks import CheckStatus


@pytest.mark.parametrize("name", ["stat-tcp.csv", "stat-http.csv"])
def test_the_words_are_haproxys(name: str) -> None:
    checked = [row.values for row in rows_of_csv(body(name)) if "check_status" in row.values]

    for values in checked:
        status = CheckStatus[str(values["check_status"]).removeprefix("* ")]
        assert values["check_desc"] == status.description
    assert checked


def test_every_status_has_a_description() -> None:
    assert len({status.description for status in CheckStatus}) == len(CheckStatus)


def test_a_running_check_has_a_star() -> None:
    assert CheckStatus.L4OK.column() == "L4OK"
    assert CheckStatus.L4OK.column(running=True) == "* L4OK"
