import os
import sys
from pathlib import Path

import pytest

from benchmarks.processes import (
    BenchmarkError,
    Process,
    cpu_seconds,
    find_program,
    free_ports,
    output_of,
    program,
    resident,
    running,
)

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="it reads /proc")


def test_processor_time_is_user_and_system() -> None:
    ticks = os.sysconf("SC_CLK_TCK")
    before = "S 1 42 42 0 -1 4194560 100 0 0 0"
    stat = f"42 (a name) with ) in it) {before} {3 * ticks} {2 * ticks} 0 0 20 0 1 0"
    assert cpu_seconds(stat) == 5.0


def test_memory_is_what_is_resident() -> None:
    assert resident("00400000-7ff [rollup]\nRss:   1024 kB\nPss:   512 kB\n") == 1024 * 1024
    with pytest.raises(BenchmarkError):
        resident("")


def test_a_process_that_has_died_has_no_figures() -> None:
    with pytest.raises(BenchmarkError, match="has died"):
        Process(2**22 + 1).cpu_seconds()


def test_ports_are_all_different() -> None:
    assert len(set(free_ports(5))) == 5


def test_a_server_runs_until_the_block_ends(tmp_path: Path) -> None:
    (port,) = free_ports(1)
    command = [sys.executable, "-m", "http.server", "--bind", "127.0.0.1", str(port)]
    with running(command, port=port, log=tmp_path / "server.log") as process:
        assert process.cpu_seconds() >= 0
        assert process.resident() > 0
    with pytest.raises(BenchmarkError, match="has died"):
        process.cpu_seconds()


def test_a_server_that_does_not_start_says_why(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such thing')"]
    (port,) = free_ports(1)
    with (
        pytest.raises(BenchmarkError, match=r"server did not start\. no such thing"),
        running(command, port=port, log=tmp_path / "server.log"),
    ):
        raise AssertionError("it never listens")


def test_output_of_a_client() -> None:
    assert output_of([sys.executable, "-c", "print('done')"], within=30) == "done\n"


def test_a_client_that_fails_says_why() -> None:
    with pytest.raises(BenchmarkError, match="failed: no such thing"):
        output_of([sys.executable, "-c", "raise SystemExit('no such thing')"], within=30)


def test_a_client_that_hangs_is_ended() -> None:
    with pytest.raises(BenchmarkError, match="took more than"):
        output_of([sys.executable, "-c", "import signal; signal.pause()"], within=0.1)


def test_programs_that_are_missing() -> None:
    assert find_program("no-such-program") is None
    with pytest.raises(BenchmarkError, match="no-such-program is not installed"):
        program("no-such-program")
