from __future__ import annotations

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from trio_balancer.testing import recording
from trio_balancer.testing.recording import (
    BACKEND,
    CLIENT,
    Recording,
    RecordingError,
    Said,
    read_recordings,
)


def line(event: str, **fields: object) -> str:
    return json.dumps({"time": 5.0, "connection": 1, "listener": "web", "event": event, **fields})


def said(**fields: object) -> str:
    # printf a | sha256sum
    digest = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb"
    return line("data", **{"direction": CLIENT, "length": 1, "sha256": digest, **fields})


def write(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{each}\n" for each in lines))
    return path


def test_connections_that_mix_and_numbers_that_begin_again(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        line("open"),
        line("open", connection=2),
        said(time=6.5, data="YQ=="),
        line("finished", connection=2, direction=BACKEND),
        line("closed", reset_by="client"),
        line("open", time=50.0),
        said(time=51.0),
    )
    one, two, again = read_recordings(path)
    digest = one.said[0].sha256
    assert one == Recording(1, (Said(1.5, CLIENT, 1, digest, b"a"),), "client")
    assert two == Recording(2, (Said(0, BACKEND, finished=True),))
    assert again == Recording(1, (Said(1, CLIENT, 1, digest),))


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("{", "Expecting"),
        ("[]", "indices"),
        ("{}", "'connection' is missing"),
        (line("open", time=None), "a time None"),
        (line("open", time=float("nan")), "a time nan"),
        (line("open", time=10**400), "too large"),
        (said(connection=9), "connection 9 opened before: is there an older file"),
        (line("strange"), "an event 'strange'"),
        (said(direction="up"), "a direction 'up'"),
        (said(length="1"), "no length"),
        (said(length=0), "no length"),
        (said(sha256=1), "no length"),
        (said(data="?"), "no base64"),
        (said(data="Yg=="), "another SHA-256"),
        (line("closed", reset_by=1), "reset_by is no text"),
        (line("open", connection=1e999), "a connection inf"),
        ("[" * 100_000, "recursion"),
        (said(length=2, data="YQ=="), "another length"),
    ],
)
def test_what_is_no_recording_is_told_with_its_line(tmp_path: Path, text: str, about: str) -> None:
    path = write(tmp_path / "a.jsonl", line("open"), text)
    with pytest.raises(RecordingError, match=rf"a\.jsonl:2: .*{about}"):
        read_recordings(path)


def test_a_file_that_was_rotated(tmp_path: Path) -> None:
    older = write(tmp_path / "a.jsonl.1", line("open"), said())
    latest = write(tmp_path / "a.jsonl", said(), line("closed", reset_by=None))
    (talk,) = read_recordings(older, latest)
    assert len(talk.said) == 2
    with pytest.raises(RecordingError, match=r"a\.jsonl:1: .* older file"):
        read_recordings(latest)


def test_one_connection_of_many(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl", line("open"), line("open", connection=2), said(), said(connection=2)
    )
    (talk,) = read_recordings(path, connection=2)
    assert (talk.connection, len(talk.said)) == (2, 1)


def test_a_line_without_end_is_not_read_to_its_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recording, "_LONGEST_LINE", 1000)
    path = write(tmp_path / "a.jsonl", line("open"), said(more="?" * 1000))
    with pytest.raises(RecordingError, match=r"a\.jsonl:2: .* Unterminated string"):
        read_recordings(path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary() | st.text().map(lambda text: line("open", connection=text).encode()))
def test_anything_is_read_or_refused(tmp_path: Path, junk: bytes) -> None:
    path = tmp_path / "junk"
    path.write_bytes(junk)
    with suppress(RecordingError):
        read_recordings(path)
