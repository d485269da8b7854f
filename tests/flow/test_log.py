from __future__ import annotations

import json
import shutil
import socket
import subprocess
from typing import TYPE_CHECKING, Any

import attrs
import pytest
import trio
import trio.testing

from trio_balancer.config.model import LogConfig, LogFormat, LogLevel
from trio_balancer.flow.log import Log, LogStatistics
from trio_balancer.flow.log_sink import LogSink, MemorySink, open_sink
from trio_balancer.flow.record import FINISHED, Counts, Ending, Phase, Record, Who
from trio_balancer.wire.address import inet_address

if TYPE_CHECKING:
    from pathlib import Path

NOW = 1_795_372_948.137
RECORD = Record(
    number=1,
    listener="web",
    client=inet_address("127.0.0.1", 38654),
    address=inet_address("127.0.0.1", 80),
    accepted_at=NOW,
    total_time=0.001,
    ending=FINISHED,
    reason="both sides finished",
    counts=Counts(process=1, listener=1, pool=0, backend=0),
    pool="app",
    backend="s1",
    queue_time=0.001,
    connect_time=0.0,
    attempts=1,
)


class WallClock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


@attrs.define(eq=False)
class Desk:
    """A log, its clock, and what it wrote."""

    log: Log
    clock: WallClock
    sink: MemorySink

    def told(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.sink.lines]

    def messages(self) -> list[str]:
        return [told.get("message", told["kind"]) for told in self.told()]


def desk(**settings: Any) -> Desk:  # noqa: ANN401 - any key of `[log]`
    config = attrs.evolve(LogConfig(format=LogFormat.JSON), **settings)
    clock, sink = WallClock(), MemorySink()
    return Desk(Log(config, sink, wall_clock=clock, pid=123), clock, sink)


def make_log(log_format: LogFormat, sink: LogSink) -> Log:
    return Log(LogConfig(format=log_format), sink, wall_clock=WallClock(), pid=123)


@pytest.mark.parametrize(
    ("level", "written"),
    [
        (LogLevel.DEBUG, ["debug", "info", "warning", "error"]),
        (LogLevel.INFO, ["info", "warning", "error"]),
        (LogLevel.WARNING, ["warning", "error"]),
        (LogLevel.ERROR, ["error"]),
    ],
)
def test_lines_below_the_level_are_left_out(level: LogLevel, written: list[str]) -> None:
    at = desk(level=level)

    at.log.debug("debug")
    at.log.info("info")
    at.log.warning("warning")
    at.log.error("error")

    assert at.messages() == written
    assert [told["level"] for told in at.told()] == written


def test_an_event_carries_its_fields() -> None:
    at = desk(format=LogFormat.TEXT)

    at.log.event(LogLevel.WARNING, "A backend is down", pool="app", level="field", kind=1)

    assert at.sink.lines == [
        "2026-11-22T18:42:28.137Z warning A backend is down pool=app level=field kind=1"
    ]


def test_connections_are_written_at_their_level() -> None:
    at = desk(level=LogLevel.WARNING)

    at.log.connection(RECORD)
    at.log.connection(RECORD, LogLevel.WARNING)

    assert [told["level"] for told in at.told()] == ["warning"]


def test_connections_can_be_switched_off() -> None:
    at = desk(connections=False)

    at.log.connection(RECORD)
    at.log.connection(RECORD, limited=True)
    at.log.info("still here")

    assert at.messages() == ["still here"]
    assert at.log.statistics() == LogStatistics(written=1, dropped=0, suppressed=0)


def test_limited_connections_come_once_a_second_and_say_how_many_did_not() -> None:
    at = desk()
    other = attrs.evolve(RECORD, listener="batch")

    for _ in range(4):
        at.log.connection(RECORD, limited=True)
    at.log.connection(other, limited=True)
    at.log.connection(RECORD)
    at.clock.now += 1
    at.log.connection(RECORD, limited=True)
    at.clock.now += 1
    at.log.connection(RECORD, limited=True)

    left_out = "Lines of other connections were left out"
    assert at.messages() == [*["connection"] * 3, left_out, *["connection"] * 2]
    assert at.told()[3]["suppressed"] == 3
    assert at.told()[3]["listener"] == "web"
    assert at.log.statistics() == LogStatistics(written=6, dropped=0, suppressed=3)


def test_limited_events_come_once_a_second_and_say_how_many_did_not() -> None:
    at = desk()

    for _ in range(4):
        at.log.limited("accept web", LogLevel.ERROR, "Accept failed", errno="EMFILE")
    at.log.limited("accept web", LogLevel.DEBUG, "Not at this level")
    at.clock.now += 1
    at.log.limited("accept web", LogLevel.ERROR, "Accept failed", errno="ENFILE")

    assert [(told["errno"], told.get("suppressed")) for told in at.told()] == [
        ("EMFILE", None),
        ("ENFILE", 3),
    ]
    assert at.log.statistics().suppressed == 3


def test_lost_lines_are_told_in_the_format_of_the_log() -> None:
    at = desk()

    told = json.loads(at.sink.describe_loss(7))

    assert (told["level"], told["lost"]) == ("warning", 7)


def test_text_json_and_haproxy_go_to_a_file(tmp_path: Path) -> None:
    for log_format in LogFormat:
        log = make_log(log_format, open_sink(str(tmp_path / log_format.value)))
        log.connection(RECORD)
        log.info("Serving", listeners=1)
        log.close(timeout=10)
        assert log.statistics() == LogStatistics(written=2, dropped=0, suppressed=0)

    assert " info connection number=1 " in (tmp_path / "text").read_text()
    assert json.loads((tmp_path / "json").read_text().splitlines()[1])["listeners"] == 1
    assert " localhost haproxy[123]: Serving listeners=1\n" in (tmp_path / "haproxy").read_text()


def test_a_full_disk_is_counted_and_stops_nothing() -> None:
    log = make_log(LogFormat.TEXT, open_sink("/dev/full"))

    log.info("one")
    log.connection(RECORD)
    log.close(timeout=10)

    assert log.statistics() == LogStatistics(written=0, dropped=2, suppressed=0)


def test_syslog_lines_have_the_priority_of_their_level(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as daemon:
        daemon.bind(str(tmp_path / "log"))
        daemon.settimeout(10)
        log = make_log(LogFormat.HAPROXY, open_sink(f"syslog:{tmp_path / 'log'}"))
        log.connection(RECORD)
        log.error("Out of files")
        log.close(timeout=10)

        connection, error = daemon.recv(1000), daemon.recv(1000)

    assert connection.startswith(b"<134>")
    assert connection.endswith(b"] web app/s1 1/0/1 0 -- 1/1/0/0/0 0/0")
    assert error.startswith(b"<131>")
    assert error.endswith(b" haproxy[123]: Out of files")


def test_the_journal_gets_priorities() -> None:
    sink = MemorySink()
    sink.journal = True
    log = make_log(LogFormat.HAPROXY, sink)
    log.info("Serving")
    log.error("Out of files")
    assert sink.lines == ["<6>Serving", "<3>Out of files"]


async def test_a_reload_goes_on_with_another_file_and_level(
    tmp_path: Path, autojump_clock: trio.testing.MockClock
) -> None:
    first, second = MemorySink(), MemorySink()
    log = make_log(LogFormat.TEXT, first)
    async with trio.open_nursery() as nursery:
        await nursery.start(log.run)
        log.info("one")
        await trio.testing.wait_all_tasks_blocked()
        log.switch(LogConfig(format=LogFormat.JSON, level=LogLevel.ERROR), second)
        log.info("left out")
        log.error("two")
        await trio.sleep(60)
        assert len(nursery.child_tasks) == 1
        log.close()

    assert [line.split()[-1] for line in first.lines] == ["one"]
    assert [json.loads(line)["message"] for line in second.lines] == ["two"]
    assert log.statistics() == LogStatistics(written=2, dropped=0, suppressed=0)


def halog(path: Path, *options: str) -> tuple[list[str], str]:
    with path.open("rb") as file:
        done = subprocess.run(
            ["halog", *options], stdin=file, capture_output=True, check=True, timeout=30
        )
    return done.stdout.decode().splitlines(), done.stderr.decode().strip()


@pytest.mark.skipif(shutil.which("halog") is None, reason="needs HAProxy's halog")
def test_halog_reads_our_file(tmp_path: Path) -> None:
    path = tmp_path / "balancer.log"
    log = make_log(LogFormat.HAPROXY, open_sink(str(path)))
    refused = Ending(Who.BACKEND, Phase.CONNECT)
    log.connection(RECORD)
    log.info("Backend s1 of pool app is up")
    log.connection(attrs.evolve(RECORD, accepted_at=NOW + 2.5, ending=refused, backend=None))
    log.close(timeout=10)
    lines = path.read_text().splitlines()

    # "-v -H": what is no HTTP line. As with HAProxy's own files, an event has no accept date.
    assert halog(path, "-v", "-H") == (
        [lines[0], lines[2]],
        "3 lines in, 2 lines out, 1 parsing errors",
    )
    # The accept date is read where halog expects it: the second came 2500 ms after the first.
    gaps, _ = halog(path, "-ad", "1", "-ac", "1")
    assert [gap.split()[2:] for gap in gaps] == [["2500", "1"]]
    # Bytes stand where halog has HTTP's status; both connections sent none.
    assert halog(path, "-st")[0] == ["0 2"]


def test_another_level_and_format_with_the_same_sink() -> None:
    sink = MemorySink()
    log = make_log(LogFormat.TEXT, sink)
    log.info("first")
    log.reconfigure(LogConfig(format=LogFormat.JSON, level=LogLevel.WARNING))
    log.info("second")
    log.warning("third")
    assert ["first" in sink.lines[0], json.loads(sink.lines[1])["message"]] == [True, "third"]
    assert log.statistics().written == 2
