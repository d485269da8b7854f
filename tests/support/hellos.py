"""ClientHellos: those of real programs, from files, and others made by hand."""

from __future__ import annotations

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "wire" / "hellos"

SERVER_NAME = 0
ALPN = 16


def real_hello(program: str) -> bytes:
    """Return what the program sent; the file's comments say which version and how."""
    lines = (FOLDER / f"{program}.hex").read_text("ascii").splitlines()
    return bytes.fromhex("".join(line for line in lines if not line.startswith("#")))


def real_hellos() -> dict[str, bytes]:
    return {path.stem: real_hello(path.stem) for path in sorted(FOLDER.glob("*.hex"))}


def message_of(hello: bytes) -> bytes:
    """Return the message of a hello that came in one record."""
    assert len(hello) == 5 + int.from_bytes(hello[3:5], "big")
    return hello[5:]


def record(fragment: bytes, kind: int = 22) -> bytes:
    return bytes([kind, 3, 1]) + vector(2, fragment)


def records(message: bytes, size: int) -> bytes:
    """Cut a message into records of `size` bytes."""
    return b"".join(record(message[at : at + size]) for at in range(0, len(message), size))


def vector(prefix: int, content: bytes) -> bytes:
    return len(content).to_bytes(prefix, "big") + content


def message(body: bytes, kind: int = 1) -> bytes:
    return bytes([kind]) + vector(3, body)


def body(
    rest: bytes = b"",
    *,
    session: bytes = b"",
    ciphers: bytes = b"\x13\x01",
    compression: bytes = b"\0",
) -> bytes:
    """Return the body of a ClientHello; `rest` is its extensions with their length."""
    head = b"\x03\x03" + bytes(32)
    return head + vector(1, session) + vector(2, ciphers) + vector(1, compression) + rest


def hello_with(*extensions: bytes) -> bytes:
    """Return a ClientHello in one record."""
    return record(message(body(vector(2, b"".join(extensions)))))


def extension(kind: int, content: bytes) -> bytes:
    return kind.to_bytes(2, "big") + vector(2, content)


def host_name(name: bytes) -> bytes:
    """Return an entry of the list of server names."""
    return b"\0" + vector(2, name)


def server_name(*entries: bytes) -> bytes:
    return extension(SERVER_NAME, vector(2, b"".join(entries)))


def alpn(*protocols: bytes) -> bytes:
    return extension(ALPN, vector(2, b"".join(vector(1, each) for each in protocols)))
