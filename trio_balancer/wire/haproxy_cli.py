r"""What arrives on HAProxy's command line: lines become commands, commands become words.

Source: HAProxy 2.6's management guide, 9.3 "Unix Socket commands", and what HAProxy 2.6.12 did.
Commands on a line are separated by ";", words by spaces and tabs; a backslash makes the next
character an ordinary one. A line whose last word is "<<" is followed by a payload, which ends at
an empty line; after "<<END" it ends at the line "END" (HAProxy 2.9 and later).
"""

from __future__ import annotations

import re

import attrs

# Of one line, and of one payload with the line before it: HAProxy's default buffer size.
MAX_LINE = 16 * 1024

_PAYLOAD = re.compile(r"(?:^|[ \t])<<([^ \t]*)[ \t]*\Z")
_PIECE = re.compile(r"\\.|;|[^\\;]+|\\", re.DOTALL)
_WORD = re.compile(r"(?:\\.|[^\\ \t])+", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@attrs.frozen
class Command:
    """One command; no words when there was nothing between two separators.

    `payload` holds the lines below the command, without the one that ended them; None where none
    was announced. `ends_line` tells the last command of a line: outside interactive mode the
    connection ends after it.
    """

    words: tuple[str, ...]
    payload: str | None = None
    ends_line: bool = True


class CommandReader:
    """Finds the commands in what a client sends, however it is cut into pieces.

    Once a line, or a line with its payload, is longer than MAX_LINE bytes, `problem` is a sentence
    that says so, and all that follows is dropped.
    """

    def __init__(self) -> None:
        self.problem: str | None = None
        self._unparsed = bytearray()
        self._announced: _Payload | None = None

    @property
    def in_payload(self) -> bool:
        """Whether the next line belongs to a payload."""
        return self._announced is not None

    def feed(self, data: bytes) -> list[Command]:
        """Take the next bytes; return the commands that are complete, in order.

        Look at `problem` after they are done.
        """
        commands: list[Command] = []
        *ends, rest = data.split(b"\n")
        for end in ends:
            commands += self._take_line(end)
        self._take(rest)
        return commands

    def _take_line(self, end: bytes) -> list[Command]:
        self._take(end)
        line = self._unparsed.removesuffix(b"\r").decode("utf-8", "replace")
        self._unparsed.clear()
        if self.problem is not None:
            return []
        if self._announced is not None:
            return self._take_payload(self._announced, line)
        return self._take_command_line(line)

    def _take(self, data: bytes) -> None:
        """Keep part of a line, unless it or its payload gets too long."""
        self._unparsed += data
        size = self._announced.size if self._announced is not None else 0
        if size + len(self._unparsed) > MAX_LINE:
            self.problem = f"A command may have at most {MAX_LINE} bytes, its payload included."
        if self.problem is not None:
            self._unparsed.clear()

    def _take_command_line(self, line: str) -> list[Command]:
        match = _PAYLOAD.search(line)
        if match is None:
            return split_line(line)
        *others, last = split_line(line[: match.start()])
        self._announced = _Payload(last, end=match[1], size=len(line.encode()))
        return [attrs.evolve(other, ends_line=False) for other in others]

    def _take_payload(self, payload: _Payload, line: str) -> list[Command]:
        if line != payload.end:
            payload.add(line)
            return []
        self._announced = None
        return [attrs.evolve(payload.command, payload="\n".join(payload.lines))]


@attrs.define(eq=False)
class _Payload:
    """The payload that a command announced, as far as it has come; `size` is in bytes."""

    command: Command
    end: str
    size: int
    lines: list[str] = attrs.field(factory=list)

    def add(self, line: str) -> None:
        self.lines.append(line)
        # The newline counts as well: a payload of empty lines must not grow for ever.
        self.size += len(line.encode()) + 1


def split_line(line: str) -> list[Command]:
    r"""Split a line into its commands, at least one: "a b;c\;d" has the words a b, and c;d."""
    texts = [""]
    for piece in _PIECE.findall(line):
        if piece == ";":
            texts.append("")
        else:
            texts[-1] += piece
    *others, last = map(_words, texts)
    return [*(Command(words, ends_line=False) for words in others), Command(last)]


def _words(text: str) -> tuple[str, ...]:
    # A backslash that nothing follows is no word.
    return tuple(_ESCAPED.sub(r"\1", word) for word in _WORD.findall(text))
