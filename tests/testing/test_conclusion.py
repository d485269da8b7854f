from __future__ import annotations

import pytest

from trio_balancer.testing.conclusion import conclude


def test_the_conclusion() -> None:
    first, second = ValueError("one"), ValueError("two")
    conclude([], None)
    with pytest.raises(ValueError, match="one"):
        conclude([first], None)
    with pytest.raises(ExceptionGroup) as caught:
        conclude([first, second], None)
    assert caught.value.exceptions == (first, second)
    error = KeyError("the test's own")
    conclude([first, second], error)
    assert error.__notes__ == [
        "the balancer under test: ValueError: one",
        "the balancer under test: ValueError: two",
    ]
