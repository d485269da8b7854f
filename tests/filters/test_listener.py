from __future__ import annotations

from pathlib import Path

from support.filtered import Around, through

from trio_balancer.config.model_filters import Rotation
from trio_balancer.filters import Filter, FilterStatistics, ListenerFilters
from trio_balancer.filters.append_file import AppendFile


def _say_nothing(reason: str) -> None:
    raise AssertionError(reason)


async def test_files_are_closed_after_the_last_connection(tmp_path: Path) -> None:
    file = AppendFile(str(tmp_path / "file"), Rotation(), _say_nothing)
    filters = ListenerFilters([Filter], [file], 10, Around().surroundings)
    first, second = through(filters), through(filters)
    first.chain.close()
    filters.close()
    file.write(b"still open")
    second.chain.close()
    assert not file.is_open
    filters.close()
    assert (tmp_path / "file").read_bytes() == b"still open"


async def test_statistics_count_what_files_have_lost(tmp_path: Path) -> None:
    trouble: list[str] = []
    file = AppendFile("/dev/full", Rotation(), trouble.append)
    filters = ListenerFilters([Filter], [file], 10, Around().surroundings)
    file.write(b"x")
    assert filters.statistics() == FilterStatistics(failures=0, lost=1)
    assert trouble == ["No space left on device"]
    filters.close()
