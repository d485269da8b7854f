"""The plugin in runs of pytest of its own."""

from __future__ import annotations

import os
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

ROOT = Path(__file__).parents[2]
ASYNCIO = "asyncio_default_fixture_loop_scope=function"
Run = Callable[..., pytest.RunResult]

COMMON = """
import pytest, socket
from trio_balancer.testing import *

def ask(lb, text=b"x"):
    with socket.create_connection(lb.address, timeout=10) as client:
        client.sendall(text)
        return client.recv(10)
"""


@pytest.fixture
def run(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run pytest, in a process of its own, over the text of a test file."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    for name in [name for name in os.environ if name.startswith("PYTEST_XDIST")]:
        monkeypatch.delenv(name)

    def run_text(text: str, *options: str) -> pytest.RunResult:
        pytester.makepyfile(COMMON + text)
        # Not twice, where it is installed.
        once = ("-p", "no:trio_balancer", "-p", "trio_balancer.testing.plugin")
        plugin = (*once, "-p", "no:cacheprovider")
        # It wants a setting, or warns.
        others = () if ASYNCIO in options else ("-p", "no:asyncio")
        return pytester.runpytest_subprocess(*plugin, *others, "-W", "error", *options)

    return run_text


def need(module: str) -> None:
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed")


def test_a_test_without_async(run: Run) -> None:
    result = run(
        """
def test_it(balancer, balancer_factory):
    assert type(balancer) is SyncHarness
    other = balancer_factory(["127.0.0.1:1"])
    assert type(other) is SyncHarness
    assert balancer.address != other.address
    assert balancer.seed == other.seed == 5
    assert balancer_factory(seed=6).seed == 6
""",
        "--trio-balancer-seed=5",
    )
    result.assert_outcomes(passed=1)


def test_what_the_fixture_is_made_from_is_a_fixture(run: Run) -> None:
    result = run("""
@pytest.fixture
def balancer_config():
    return ["10.0.0.1:1", "10.0.0.2:2"]

def test_it(balancer):
    assert [backend.name for backend in balancer.backends] == ["10.0.0.1:1", "10.0.0.2:2"]
""")
    result.assert_outcomes(passed=1)


@pytest.mark.parametrize("fixture", ["balancer", "balancer_factory"])
def test_a_failure_shows_what_went_through_the_balancer(run: Run, fixture: str) -> None:
    made = "balancer" if fixture == "balancer" else "balancer_factory()"
    result = run(
        f"""
def test_it({fixture}):
    lb = {made}
    try:
        ask(lb)
    except OSError:
        pass
    lb.wait(lambda lb: lb.connections and not lb.connections[0].live)
    assert False
""",
        "--trio-balancer-seed=5",
    )
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            "*what went through the balancer*",
            "trio-balancer, seed 5",
            "*accepted*#1*",
            "*ended*#1*SC*",
            "repeat with --trio-balancer-seed=5",
        ]
    )


def test_a_test_that_runs_again_begins_anew(run: Run, pytester: pytest.Pytester) -> None:
    """As pytest-rerunfailures does it."""
    pytester.makeconftest("""
from _pytest.runner import runtestprotocol

def pytest_runtest_protocol(item, nextitem):
    for _ in range(2):
        item._initrequest()
        runtestprotocol(item, nextitem=nextitem)
    return True
""")
    result = run("""
@pytest.mark.trio
async def test_it(balancer):
    assert type(balancer) is Harness
    assert False
""")
    result.assert_outcomes(failed=2)
    assert result.stdout.str().count("trio-balancer, seed") == 2
    result.stdout.no_fnmatch_line("*SyncHarness*")


def test_a_failure_shows_the_line_of_the_test(run: Run) -> None:
    result = run("""
def test_it(balancer):
    balancer.wait(lambda lb: False, timeout=0.01)

def test_other(balancer_factory):
    balancer_factory(["127.0.0.1:1"]).assert_distribution({0: 1})
""")
    result.assert_outcomes(failed=2)
    # In any order: pytest-randomly may be there.
    result.stdout.fnmatch_lines([">*balancer.wait(*", "E*still not so after 0.01 s"])
    result.stdout.fnmatch_lines([">*assert_distribution*", "E*expected*"])
    result.stdout.no_fnmatch_line("*trio_balancer/testing/*.py:*")


def test_a_pass_shows_nothing(run: Run) -> None:
    result = run("def test_it(balancer): pass")
    result.assert_outcomes(passed=1)
    result.stdout.no_fnmatch_line("*went through*")


def test_a_leak_is_an_error_of_the_test(run: Run) -> None:
    result = run("""
def test_it(balancer):
    balancer._harness._observer.bugs.append("Traceback: oh")
""")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*BalancerBugError: Traceback: oh"])


def test_a_mock_clock_is_for_trio_tests(run: Run) -> None:
    result = run("""
def test_it(autojump_clock, balancer): pass
def test_other(balancer_factory, mock_clock): pass
""")
    result.assert_outcomes(errors=2)
    result.stdout.fnmatch_lines(["the fixture 'autojump_clock' is for trio tests*"])


def test_a_network_in_memory_is_for_trio_tests(run: Run) -> None:
    result = run("""
@pytest.fixture
def balancer_network():
    return MemoryNetwork()

def test_it(balancer): pass
""")
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["the fixture 'balancer_network' is for trio tests*"])


def test_a_trio_test_has_it_in_its_own_loop_and_time(run: Run) -> None:
    result = run("""
import functools, trio

@pytest.fixture
def balancer_network():
    return MemoryNetwork()

@pytest.fixture
def balancer_config():
    return ["10.0.1.1:80"]

@pytest.fixture
def host(balancer):
    return balancer.address[0]

@pytest.mark.trio
async def test_it(balancer, host, balancer_network, balancer_factory, autojump_clock):
    assert type(balancer) is Harness
    assert host == "127.0.0.1"
    other = await balancer_factory(network=MemoryNetwork())
    assert other.seed == balancer.seed
    await balancer.wait(lambda lb: trio.current_time() > 3600, timeout=4000)

@pytest.mark.trio
async def test_real_sockets_do_not_mix(balancer_factory, autojump_clock):
    with pytest.raises(RuntimeError, match="give network"):
        await balancer_factory()

@pytest.mark.trio
async def test_in_real_time(balancer_factory, nursery):
    async def greet(stream):
        await stream.send_all(b"hello")

    serve = functools.partial(trio.serve_tcp, host="127.0.0.1")
    [listener] = await nursery.start(serve, greet, 0)
    lb = await balancer_factory([listener.socket.getsockname()])
    async with await trio.open_tcp_stream(*lb.address) as client:
        assert await client.receive_some() == b"hello"
    nursery.cancel_scope.cancel()
""")
    result.assert_outcomes(passed=3)


def test_a_failure_of_a_trio_test_shows_it_too(run: Run) -> None:
    result = run("""
@pytest.mark.trio
async def test_it(balancer):
    assert False
""")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["*what went through the balancer*"])


def test_an_asyncio_test_awaits(run: Run) -> None:
    need("pytest_asyncio")
    result = run(
        """
import asyncio

@pytest.mark.asyncio
async def test_it(balancer, balancer_factory):
    assert type(balancer) is AsyncioHarness
    lb = await balancer_factory(["127.0.0.1:1"])
    assert type(lb) is AsyncioHarness
    async with lb.backend(0).pause():
        await lb.wait(lambda lb: lb.seed == balancer.seed)
""",
        "-o",
        ASYNCIO,
    )
    result.assert_outcomes(passed=1)


def test_the_auto_mode_of_pytest_asyncio_is_for_asyncio_tests(run: Run) -> None:
    need("pytest_asyncio")
    result = run(
        """
@pytest.mark.trio
async def test_it(balancer): pass

async def test_other(balancer):
    assert type(balancer) is AsyncioHarness
""",
        "-o",
        ASYNCIO,
        "-o",
        "asyncio_mode=auto",
    )
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*pytest-asyncio's auto mode goes with asyncio tests only*"])


def test_anyio_runs_it_in_either_world(run: Run) -> None:
    need("anyio")
    result = run("""
@pytest.mark.anyio
async def test_it(balancer, balancer_factory, anyio_backend_name):
    kind = Harness if anyio_backend_name == "trio" else AsyncioHarness
    assert type(balancer) is kind
    assert type(await balancer_factory()) is kind
""")
    result.assert_outcomes(passed=2)


def test_all_workers_have_the_same_seed(run: Run) -> None:
    result = run(
        """
@pytest.mark.parametrize("number", range(6))
def test_it(balancer, number):
    print("seed", balancer.seed)
""",
        "-n",
        "2",
        "-rP",
    )
    result.assert_outcomes(passed=6)
    seeds = {line for line in result.outlines if line.startswith("seed ")}
    assert len(seeds) == 1
