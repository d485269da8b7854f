"""Reads the fields of a TLS message, one after the other (RFC 8446, section 3)."""

from __future__ import annotations

import attrs


class ClientHelloError(ValueError):
    """A client that began to speak TLS sent what no TLS client may; a sentence for people."""


@attrs.define(eq=False)
class Fields:
    """The fields of a part of the ClientHello; `name` is the part's name in error texts.

    Every method raises ClientHelloError where the bytes are not what the RFC allows.
    """

    data: bytes
    name: str
    at: int = attrs.field(default=0, init=False)

    @property
    def left(self) -> int:
        """How many bytes come after the fields read so far."""
        return len(self.data) - self.at

    def take(self, size: int) -> bytes:
        """Read an opaque field of `size` bytes."""
        if size > self.left:
            raise ClientHelloError(f"malformed ClientHello: {self.name} is cut short")
        start, self.at = self.at, self.at + size
        return self.data[start : self.at]

    def number(self, size: int) -> int:
        """Read an unsigned number of `size` bytes."""
        return int.from_bytes(self.take(size), "big")

    def vector(self, prefix: int, sizes: range) -> bytes:
        """Read a vector whose length stands before it, in `prefix` bytes.

        `sizes` has the lengths that are allowed: the RFC's `<2..8>` is `range(2, 9)`.
        """
        size = self.number(prefix)
        if size not in sizes:
            raise ClientHelloError(
                f"malformed ClientHello: {self.name} has a field of {size} bytes, "
                "which is no length for it"
            )
        return self.take(size)

    def finish(self) -> None:
        """Say that no field may follow."""
        if self.left:
            raise ClientHelloError(
                f"malformed ClientHello: {self.name} goes on for {self.left} bytes after its end"
            )
