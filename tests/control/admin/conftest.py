"""One browser for all tests of a file: starting it takes longer than most of them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from support.browser import Browser, chromium


@pytest.fixture(scope="module")
def chrome() -> Iterator[Browser]:
    with chromium() as opened:
        yield opened
