"""Small proxies as people write them: two loops a connection, on streams."""

from __future__ import annotations

import argparse

#: Bytes to read at once.
CHUNK = 65536
#: Clients that may wait to be accepted, as for every other peer.
BACKLOG = 4096


def pair(text: str) -> tuple[int, int]:
    """Read `LISTEN:BACKEND`, two ports of the loopback address."""
    listen, _, backend = text.partition(":")
    return int(listen), int(backend)


def parser() -> argparse.ArgumentParser:
    """Return the command line that they share."""
    parser = argparse.ArgumentParser()
    parser.add_argument("pairs", metavar="LISTEN:BACKEND", type=pair, nargs="+")
    return parser
