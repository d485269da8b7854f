from __future__ import annotations

from trio_balancer.policy.refusal import Refusal


def test_each_has_a_word_and_a_sentence_of_its_own() -> None:
    assert [refusal.value for refusal in Refusal] == [
        "denied",
        "not-allowed",
        "outside-hours",
        "per-client-limit",
        "per-client-rate",
        "rate",
    ]
    sentences = {refusal.sentence for refusal in Refusal}
    assert len(sentences) == len(Refusal)
    assert all(sentence.startswith(("the ", "all ")) for sentence in sentences)
