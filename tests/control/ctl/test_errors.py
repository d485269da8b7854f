from __future__ import annotations

from trio_balancer.control.ctl.errors import ControlError


def test_a_refusal_is_a_sentence_and_a_word_for_programs() -> None:
    error = ControlError("there is no pool 'ap'", "no-such-pool")
    assert str(error) == "there is no pool 'ap'"
    assert error.code == "no-such-pool"


def test_what_the_balancer_did_not_say_has_no_code() -> None:
    assert ControlError("nobody listens").code is None
