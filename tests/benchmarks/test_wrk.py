import pytest

from benchmarks.processes import BenchmarkError
from benchmarks.wrk import parse_wrk

_REPORT = """Running 2s test @ http://127.0.0.1:8080/
  1 threads and 64 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     1.32ms  511.47us  12.80ms   87.79%
    Req/Sec    48.93k     2.76k   52.91k    70.00%
  Latency Distribution
     50%    1.22ms
     75%    1.49ms
     90%    1.80ms
     99%    {p99}
  97413 requests in 2.00s, 14.68MB read
{errors}Requests/sec:  48699.49
Transfer/sec:      7.34MB
"""


@pytest.mark.parametrize(
    ("text", "milliseconds"),
    [("850.00us", 0.85), ("3.41ms", 3.41), ("1.20s", 1200), ("1.50m", 9e4)],
)
def test_a_report_is_read(text: str, milliseconds: float) -> None:
    found = parse_wrk(_REPORT.format(p99=text, errors=""))
    assert (found.count, found.rate) == (97413, 48699.49)
    assert found.p99 == pytest.approx(milliseconds)


@pytest.mark.parametrize(
    "errors",
    ["  Socket errors: connect 0, read 3, write 0, timeout 1\n", "  Non-2xx or 3xx responses: 7\n"],
)
def test_errors_are_no_result(errors: str) -> None:
    with pytest.raises(BenchmarkError, match=errors.strip()):
        parse_wrk(_REPORT.format(p99="1.00ms", errors=errors))


def test_no_answer_is_no_result() -> None:
    with pytest.raises(BenchmarkError, match="no answer"):
        parse_wrk("  0 requests in 2.00s, 0.00B read\nRequests/sec:      0.00\n")
