from __future__ import annotations

import errno
import os
import socket

import pytest

from trio_balancer.network.errors import describe, is_local_trouble


@pytest.mark.parametrize("name", ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM", "EADDRNOTAVAIL"])
def test_a_shortage_of_this_machine_is_local_trouble(name: str) -> None:
    assert is_local_trouble(OSError(getattr(errno, name), "no more"))


@pytest.mark.parametrize(
    "error",
    [
        ConnectionRefusedError(errno.ECONNREFUSED, "Connection refused"),
        OSError(errno.EHOSTUNREACH, "No route to host"),
        OSError(errno.ETIMEDOUT, "Connection timed out"),
        BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable"),
        OSError("no number"),
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
        # getaddrinfo may use any number for its own errors; macOS's EAI_BADHINTS is ENOMEM.
        socket.gaierror(errno.ENOMEM, "Bad value for hints"),
    ],
)
def test_whatever_the_peer_or_the_way_to_it_does_is_not(error: OSError) -> None:
    assert not is_local_trouble(error)


def test_a_look_up_without_memory_is_local_trouble() -> None:
    assert is_local_trouble(socket.gaierror(socket.EAI_MEMORY, "Memory allocation failure"))


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (OSError(errno.ECONNREFUSED, os.strerror(errno.ECONNREFUSED)), "Connection refused"),
        (socket.gaierror(socket.EAI_NONAME, "Name not known"), "Name not known"),
        (OSError("only a sentence"), "only a sentence"),
        (TimeoutError(), "TimeoutError"),
    ],
)
def test_an_error_is_described_in_a_few_words(error: OSError, text: str) -> None:
    assert describe(error) == text
