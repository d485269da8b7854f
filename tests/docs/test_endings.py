"""The page of endings, held against the records and the lines of the log."""

from __future__ import annotations

import json

from support.pages import page, rows, words

from trio_balancer.config.model import LogFormat, LogLevel
from trio_balancer.flow import admit, faulting
from trio_balancer.flow.log_lines import LINES
from trio_balancer.flow.record import FINISHED, Counts, Phase, Record, Who
from trio_balancer.policy.refusal import Refusal
from trio_balancer.wire.address import inet_address

TEXT = page("endings.md")
ROWS = rows(TEXT)
ENDINGS = [words(row[0])[0] for row in ROWS["Endings"] if len(words(row[0])[0]) == 2]
RECORD = Record(
    number=1,
    listener="web",
    client=inet_address("127.0.0.1", 38654),
    address=inet_address("127.0.0.1", 80),
    accepted_at=0.0,
    total_time=0.001,
    ending=FINISHED,
    reason="",
    counts=Counts(process=1, listener=1, pool=0, backend=0),
    pool="app",
    backend="s1",
)
LETTERS = [words(row[0])[0] for row in ROWS["Endings"] if len(words(row[0])[0]) == 1]


def test_every_letter_is_explained() -> None:
    assert [*(who.value for who in Who), *(phase.value for phase in Phase)] == LETTERS


def test_every_ending_is_made_of_them() -> None:
    assert len(set(ENDINGS)) == len(ENDINGS)
    assert {ending[0] for ending in ENDINGS} == {who.value for who in Who}
    assert {ending[1] for ending in ENDINGS} == {phase.value for phase in Phase}


def test_a_stop_and_a_bug_may_come_at_any_time() -> None:
    underway = {phase.value for phase in Phase} - {"-"}
    assert {f"K{phase}" for phase in underway} <= set(ENDINGS)
    assert {f"I{phase}" for phase in underway - {"T"}} <= set(ENDINGS)


def test_every_refusal() -> None:
    told = {words(row[0])[0] for row in ROWS["Refusals"]}
    own = {admit.OVERFLOW, admit.UNTRUSTED, faulting.FAULT}
    own |= {admit.BAD_HEADER, admit.BAD_TLS, admit.NO_ROUTE, admit.NOT_REDIRECTED}
    assert told == {refusal.value for refusal in Refusal} | own


def test_every_key_of_a_line() -> None:
    as_json = json.loads(LINES[LogFormat.JSON].connection(RECORD, LogLevel.INFO, 0.0))
    as_text = LINES[LogFormat.TEXT].connection(RECORD, LogLevel.INFO, 0.0).split()[3:]
    text, json_keys = zip(*(row[:2] for row in ROWS["What a line says"]), strict=True)
    assert {word for cell in json_keys for word in words(cell)} == set(as_json)
    assert {word for cell in text for word in words(cell)} == {
        part.split("=")[0] for part in as_text if "=" in part
    }
