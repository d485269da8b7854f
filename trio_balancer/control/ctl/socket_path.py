"""Where the balancer's runtime socket is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import tomli

from trio_balancer.control.ctl.errors import ControlError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

VARIABLE = "TRIO_BALANCER_SOCKET"


def find_socket(
    socket: str | None, config: Path | None, environment: Mapping[str, str]
) -> str | None:
    """Return the path of the socket; None where nobody says.

    What stands on the command line comes before the environment.
    Raises ControlError when the configuration does not tell.
    """
    if socket is not None:
        return socket
    if config is not None:
        return _configured(config)
    return environment.get(VARIABLE) or None


def _configured(file: Path) -> str:
    """Read `[control] socket` and nothing else.

    The file may have mistakes by now that the running balancer, which read it earlier, has not.
    """
    control = _read(file).get("control")
    path = control.get("socket") if isinstance(control, dict) else None
    if not isinstance(path, str) or not path:
        raise ControlError(f"{file} has no [control] socket, so there is no way to the balancer")
    # It may be written as other addresses are.
    return str(file.parent / path.removeprefix("unix:"))


def _read(file: Path) -> dict[str, object]:
    try:
        return tomli.loads(file.read_bytes().decode("utf-8-sig"))
    except OSError as error:
        raise ControlError(f"{file} cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        raise ControlError(f"{file} is no TOML: {error}") from None
