from __future__ import annotations

import pytest
import trio

from trio_balancer.network.conflict import OneTask


def test_second_entry_is_refused_until_the_first_has_left() -> None:
    sending = OneTask("somebody sends")
    with sending, pytest.raises(trio.BusyResourceError, match="somebody sends"), sending:
        pytest.fail("entered twice")
    with sending:
        pass


def test_left_by_an_exception_it_is_free() -> None:
    sending = OneTask("somebody sends")
    with pytest.raises(ValueError, match="inside"), sending:
        raise ValueError("inside")
    with sending:
        pass
