"""What the output goes to: a terminal with colours and a width, or a file or pipe with neither."""

from __future__ import annotations

import os
import shutil
from enum import Enum
from typing import TYPE_CHECKING, TextIO

import attrs

if TYPE_CHECKING:
    from collections.abc import Mapping


class Style(Enum):
    """How a piece of text looks; the values are ANSI's numbers (ECMA-48, SGR)."""

    PLAIN = ""
    BOLD = "1"
    DIM = "2"
    REVERSE = "7"
    BAD = "31"
    GOOD = "32"
    WARN = "33"


@attrs.frozen
class Terminal:
    """What is known of the output; `width` is None where a line may be as long as it likes."""

    colors: bool = False
    width: int | None = None

    def paint(self, text: str, style: Style) -> str:
        """Give a text a style, where there are colours."""
        if not self.colors or style is Style.PLAIN or not text:
            return text
        return f"\x1b[{style.value}m{text}\x1b[0m"


def look_at(stream: TextIO, environment: Mapping[str, str] = os.environ) -> Terminal:
    """Find out what a stream is; NO_COLOR (https://no-color.org) and TERM=dumb mean no colours."""
    if not stream.isatty():
        return Terminal()
    dumb = environment.get("TERM", "dumb") == "dumb"
    colors = not dumb and not environment.get("NO_COLOR")
    return Terminal(colors=colors, width=shutil.get_terminal_size().columns)
