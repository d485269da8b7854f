from __future__ import annotations

import pytest

from trio_balancer.config.sizes import size


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("0B", 0),
        ("512B", 512),
        ("64KiB", 65536),
        ("64KB", 64000),
        ("10MB", 10_000_000),
        ("1MiB", 1048576),
        ("2GB", 2_000_000_000),
        ("1GiB", 1073741824),
    ],
)
def test_units(text: str, octets: int) -> None:
    assert size()(text) == octets


@pytest.mark.parametrize(
    "value", ["", "1", "1 KB", "-1B", "1.5MB", "1kb", 64, True, None, "9" * 13]
)
def test_what_is_no_size(value: object) -> None:
    with pytest.raises(ValueError, match="expected a size like"):
        size()(value)


def test_a_size_that_is_too_small() -> None:
    with pytest.raises(ValueError, match="of at least 100 bytes"):
        size(100)("99B")
