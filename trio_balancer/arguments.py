"""The command line's arguments, and the configuration that they mean."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING

import trio_balancer
from trio_balancer.config import load_config
from trio_balancer.config.model import LogFormat, LogLevel

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trio_balancer.config.model import Config
    from trio_balancer.testing.toxiproxy.addresses import ApiAddress

#: Where Toxiproxy's clients look for it.
TOXIPROXY = "127.0.0.1:8474"


def parse_arguments(argv: Sequence[str] | None) -> argparse.Namespace:
    """Parse the command line; `toxiproxy` is then where the API listens, or None.

    Raises SystemExit, with 2 where something is wrong.
    """
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if arguments.config is None and (
        arguments.toxiproxy is None or arguments.check or arguments.demo
    ):
        parser.error("the following arguments are required: CONFIG")
    if arguments.toxiproxy is not None:
        try:
            arguments.toxiproxy = _api_address(arguments.toxiproxy)
        except ValueError as error:
            parser.error(f"argument --toxiproxy-bind: {error}")
    return arguments


def build_parser() -> argparse.ArgumentParser:
    """Build the parser of the command line."""
    parser = argparse.ArgumentParser(
        prog="trio-balancer",
        description="A TCP load balancer.",
        epilog="Signals: SIGTERM or SIGINT drains and stops, a second one stops at once; "
        "SIGHUP reads CONFIG again.",
    )
    add = parser.add_argument
    add(
        "config",
        metavar="CONFIG",
        nargs="?",
        type=Path,
        help="the configuration, a TOML file; with --toxiproxy it may be left out",
    )
    add("--check", action="store_true", help="validate, print what would run, bind nothing")
    add(
        "--demo", action="store_true", help="also start a stand-in server at every loopback backend"
    )
    add(
        "--set",
        metavar="KEY=VALUE",
        action="append",
        default=[],
        help="override a value, like pools.app.policy=first; repeatable",
    )
    add(
        "--ready-fd",
        metavar="N",
        type=_descriptor,
        help="write one JSON line to this descriptor once serving, and close it",
    )
    add("--log-format", choices=[choice.value for choice in LogFormat], help="override log.format")
    add("--log-level", choices=[choice.value for choice in LogLevel], help="override log.level")
    add(
        "--toxiproxy",
        action="store_const",
        const=TOXIPROXY,
        help=f"also serve Toxiproxy's HTTP API, at {TOXIPROXY}; allows faults",
    )
    add(
        "--toxiproxy-bind",
        metavar="HOST:PORT",
        dest="toxiproxy",
        help="the same, at another address",
    )
    add(
        "--seed",
        metavar="N",
        type=int,
        help="what random choices come from, those of faults included, so that a failure replays",
    )
    add("--version", action="version", version=f"trio-balancer {trio_balancer.__version__}")
    return parser


def _descriptor(text: str) -> int:
    try:
        descriptor = int(text)
        os.fstat(descriptor)
    except (ValueError, OverflowError, OSError):
        raise argparse.ArgumentTypeError(f"{text!r} is not an open file descriptor") from None
    return descriptor


def _api_address(text: str) -> ApiAddress:
    # The harness is for tests only: a balancer at work need not load it.
    from trio_balancer.testing.toxiproxy.standalone import read_api_address  # noqa: PLC0415 - see above

    return read_api_address(text)


def read_config(arguments: argparse.Namespace) -> Config:
    """Read the configuration that the command line means; raises ConfigError."""
    overrides = _overrides(arguments)
    if arguments.toxiproxy is not None:
        from trio_balancer.testing.toxiproxy.extra import check_toxiproxy_extra  # noqa: PLC0415 - as above

        check_toxiproxy_extra()
    if arguments.config is not None:
        return load_config(arguments.config, overrides=overrides)
    from trio_balancer.testing.toxiproxy.standalone import config_without_file  # noqa: PLC0415 - as above

    return config_without_file(overrides)


def _overrides(arguments: argparse.Namespace) -> list[str]:
    overrides: list[str] = list(arguments.set)
    if arguments.toxiproxy is not None:
        overrides.append("balancer.faults=true")
    if arguments.log_format is not None:
        overrides.append(f"log.format={arguments.log_format}")
    if arguments.log_level is not None:
        overrides.append(f"log.level={arguments.log_level}")
    return overrides
