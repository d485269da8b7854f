"""What a run gave, for a terminal and for RESULTS.md."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import attrs

from benchmarks import bars, table
from benchmarks.peers import PEERS
from benchmarks.samples import Samples
from benchmarks.works import WORKS

if TYPE_CHECKING:
    from pathlib import Path

# What stands outside of these lines was written by people and stays.
_BEGIN = "<!-- written by python -m benchmarks --write: begin -->"
_END = "<!-- written by python -m benchmarks --write: end -->"

_HEAD = """# Benchmark results

The newest run of `python -m benchmarks --write`. CPU is user and system time of the proxy's own
process: on a small shared machine it says more than throughput. Every peer has one thread, logs
no connection and checks no backend's health; `benchmarks/peer_configs.py` has the configurations.
"""


@attrs.frozen
class Run:
    """All that came out of one run of the benchmark; `peers` are their versions by name."""

    samples: Samples
    peers: Mapping[str, str]
    machine: Sequence[tuple[str, str]]
    rounds: int
    seconds: int

    def conditions(self) -> list[tuple[str, str]]:
        """Return what it ran on, what took part, and for how long."""
        versions = [f"{PEERS[name].title} {told}".strip() for name, told in self.peers.items()]
        length = f"{self.rounds} × at least {self.seconds} s for each work through each peer"
        return [*self.machine, ("Peers", ", ".join(versions)), ("Length", length)]


def as_text(run: Run) -> str:
    """Write everything for a terminal."""
    conditions = table.as_text([[f"{name}:", told] for name, told in run.conditions()])
    parts = [conditions, table.as_text(table.rows(run.samples, run.peers)), table.LEGEND]
    parts += ["\n".join(run.samples.remarks)] if run.samples.remarks else []
    parts += ["Must show:\n" + table.as_text(bars.rows(run.samples))]
    return "\n\n".join(parts)


def as_markdown(run: Run) -> str:
    """Write everything as Markdown, between the lines that mark it."""
    conditions = "\n".join(f"- {name}: {told}" for name, told in run.conditions())
    remarks = "\n".join(f"- {remark}" for remark in run.samples.remarks) or "Nothing."
    works = "\n".join(f"- `{work.name}`: {work.title}" for work in WORKS.values())
    parts = [
        _BEGIN,
        "![The ratio to HAProxy of the main figures](results.svg)",
        "## What it ran on",
        conditions,
        "## Figures",
        table.as_markdown(table.rows(run.samples, run.peers)),
        table.LEGEND,
        works,
        "## Must show",
        table.as_markdown(bars.rows(run.samples)),
        "## Left out or failed",
        remarks,
        _END,
    ]
    return "\n\n".join(parts)


def write_results(path: Path, run: Run) -> None:
    """Replace the newest table in a file, or begin it; other text in the file is kept."""
    old = path.read_text(encoding="utf-8") if path.exists() else f"{_HEAD}\n{_BEGIN}{_END}\n"
    path.write_text(replaced(old, as_markdown(run)), encoding="utf-8")


def replaced(old: str, newest: str) -> str:
    """Put the newest results where the old ones were; raises ValueError without such a place."""
    before, begin, rest = old.partition(_BEGIN)
    _, end, after = rest.partition(_END)
    if not (begin and end):
        raise ValueError("the results file has lost the lines that mark what is written by machine")
    return before + newest + after
