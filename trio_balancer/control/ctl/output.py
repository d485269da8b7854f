"""Standard output: lines for people, JSON for programs."""

from __future__ import annotations

import json
import sys


def say(*lines: str) -> None:
    """Write lines; what they got from elsewhere must be harmless already."""
    sys.stdout.writelines(f"{line}\n" for line in lines)


def say_json(value: object, *, indent: int | None = 2) -> None:
    """Write a value in JSON, in ASCII: nothing in it can drive a terminal."""
    say(json.dumps(value, indent=indent))


def hand_over() -> None:
    """Let the reader have what was written up to now."""
    sys.stdout.flush()
