"""`[admin]`: the HTTP server for operators, their dashboard and their monitoring."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from trio_balancer.config.addresses import bind_address, host
from trio_balancer.config.model_admin import AdminConfig
from trio_balancer.config.values import expected, is_plain
from trio_balancer.wire.address import InetAddress

if TYPE_CHECKING:
    from pathlib import PurePath

    from trio_balancer.config.problems import KeyPath
    from trio_balancer.config.reader import TableReader
    from trio_balancer.config.values import Parser

# Nobody guesses 16 random characters over HTTP.
_SHORTEST_TOKEN = 16


def read_admin_bind(section: TableReader) -> dict[KeyPath, InetAddress]:
    """Read `bind`: each valid address, at the path where it is written."""
    items = section.items("bind")
    if not items:
        section.problem("bind", 'at least one address is needed, like "127.0.0.1:9090"')
    parsed = {path: section.parse(path, item, _inet, None) for path, item in items}
    return {path: address for path, address in parsed.items() if address is not None}


def read_admin(
    section: TableReader, bind: dict[KeyPath, InetAddress], base: PurePath
) -> AdminConfig:
    """Read the rest of `[admin]`; `token_file` is relative to `base`."""
    hosts = [section.parse(path, item, host, None) for path, item in section.items("hosts")]
    return AdminConfig(
        bind=tuple(bind.values()),
        token=_read_token(section, base),
        hosts=tuple(name.lower() for name in hosts if name is not None),
    )


def _inet(value: object) -> InetAddress:
    with suppress(ValueError):
        address = bind_address(Path())(value)
        if isinstance(address, InetAddress):
            return address
    raise expected("a numeric address like '127.0.0.1:9090'", value)


def _read_token(section: TableReader, base: PurePath) -> str | None:
    """Read `token`, or the first line of `token_file`."""
    if "token" in section and "token_file" in section:
        section.problem("token_file", "is a second token: give one of token and token_file")
    token = section.take("token", _token, None)
    return section.take("token_file", _token_file(base), token)


def _token(value: object) -> str:
    # What was written stays out of the message: it may be the secret of something else.
    if not isinstance(value, str) or len(value) < _SHORTEST_TOKEN or not _is_visible(value):
        raise ValueError(f"expected at least {_SHORTEST_TOKEN} visible ASCII characters")
    return value


def _is_visible(word: str) -> bool:
    return word.isascii() and is_plain(word)


def _token_file(base: PurePath) -> Parser[str]:
    def parse(value: object) -> str:
        if not isinstance(value, str) or not value or not value.isprintable():
            raise expected("the path of a file", value)
        file = Path(base, value)
        try:
            return _token(file.read_text("utf-8").strip())
        except OSError as error:
            raise ValueError(f"{file} cannot be read: {error.strerror or error}") from None
        except ValueError:
            message = f"{file}: expected one line of at least {_SHORTEST_TOKEN} visible ASCII"
            raise ValueError(f"{message} characters") from None

    return parse
