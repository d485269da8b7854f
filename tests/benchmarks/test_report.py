from pathlib import Path

import pytest

from benchmarks.report import Run, as_text, replaced, write_results
from benchmarks.samples import Samples


def _run(memory: float) -> Run:
    samples = Samples()
    samples.add(0, "idle", "balancer", {"KiB/connection": memory})
    samples.remarks.append("HAProxy is left out: haproxy is not installed.")
    return Run(samples, {"balancer": "1.0"}, [("Kernel", "Linux 6")], rounds=2, seconds=3)


def test_the_terminal_gets_all_of_it() -> None:
    text = as_text(_run(9.5))
    for part in (
        "Linux 6",
        "trio-balancer 1.0",
        "2 × at least 3 s",
        "9.50",
        "haproxy is not",
        "PASS",
    ):
        assert part in text


def test_results_replace_older_ones_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    write_results(path, _run(9.5))
    path.write_text(f"{path.read_text()}\nWhere the time goes: here.\n")
    write_results(path, _run(7.25))
    text = path.read_text()
    assert text.startswith("# Benchmark results\n")
    assert text.endswith("\nWhere the time goes: here.\n")
    assert "7.25" in text
    assert "9.50" not in text


def test_a_file_without_the_marks_is_not_overwritten() -> None:
    with pytest.raises(ValueError, match="has lost the lines"):
        replaced("A text of my own.", "newest")
