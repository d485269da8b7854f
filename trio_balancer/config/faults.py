"""`[[listeners.NAME.faults]]` and `[[pools.NAME.faults]]`: what is broken on purpose, in a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs

from trio_balancer.config.model_access import UNIX
from trio_balancer.config.model_effects import EFFECTS, PARSE, AtConnect, Effect, Noop
from trio_balancer.config.model_faults import Fault, FaultStream, Match
from trio_balancer.config.networks import IPNetwork, network
from trio_balancer.config.problems import Report
from trio_balancer.config.values import (
    MisspeltError,
    choice,
    closest,
    expected,
    number,
    text,
    whole,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from trio_balancer.config.model import Config
    from trio_balancer.config.reader import TableReader

_MOST_BYTES = 2**63 - 1


def read_faults(section: TableReader, *, backends: Iterable[str] = ()) -> tuple[Fault, ...]:
    """Read the faults of a listener, or of a pool with these backends, in their order."""
    tables = [section.within(path, item) for path, item in section.items("faults")]
    faults: dict[str, Fault] = {}
    for table in tables:
        fault = read_fault(table)
        if fault.name in faults:
            table.problem("name", f"there is a fault {fault.name!r} already")
        _report_unknown_backend(table, fault, backends)
        faults[fault.name] = fault
    return tuple(faults.values())


def read_fault(table: TableReader) -> Fault:
    """Read one fault; a name that is not given is made of type and stream, as in Toxiproxy."""
    kind = table.require("type", _type, Noop)
    stream = table.take("stream", choice(FaultStream), FaultStream.DOWNSTREAM)
    fault = Fault(
        name=table.take("name", _name, f"{kind.type}_{stream.value}"),
        effect=_read_effect(kind, table),
        stream=stream,
        toxicity=table.take("toxicity", number(0, 1), 1.0),
        match=_read_match(table),
    )
    if isinstance(fault.effect, AtConnect):
        _report_what_needs_bytes(table, fault)
    return fault


def _type(value: object) -> type[Effect]:
    if not isinstance(value, str):
        raise expected("the type of a fault", value)
    if value not in EFFECTS:
        known = ", ".join(map(repr, EFFECTS))
        raise MisspeltError(str(expected(f"one of {known}", value)), closest(value, EFFECTS))
    return EFFECTS[value]


def _name(value: object) -> str:
    name = text(value)
    if not name.isprintable():
        raise expected("a name without control characters", value)
    return name


def _read_effect(kind: type[Effect], table: TableReader) -> Effect:
    attributes = table.table_at("attributes")
    given = {
        field.name: attributes.take(field.name, field.metadata[PARSE], field.default)
        for field in attrs.fields(kind)
    }
    if kind is Noop and table.table.get("type") != Noop.type:
        _accept_all(attributes)  # the type is missing or wrong: what they mean, nobody knows
    return kind(**given)


def _accept_all(table: TableReader) -> None:
    for key in table.table:
        _ = key in table


def _read_match(table: TableReader) -> Match:
    match = table.table_at("match")
    found = Match(
        first=match.take("first", whole(1), None),
        nth=match.take("nth", whole(1), None),
        client=match.take("client", _client, None),
        after_bytes=match.take("after_bytes", whole(0, _MOST_BYTES), 0),
        backend=match.take("backend", text, None),
    )
    if "first" in match and "nth" in match:
        match.problem("nth", "goes instead of first, not with it")
    if "backend" not in table:
        return found
    if "backend" in match:
        match.problem("backend", "is given twice, here and beside the type")
    return attrs.evolve(found, backend=table.take("backend", text, None))


def _client(value: object) -> IPNetwork | str:
    return UNIX if value == UNIX else network(value)


def _report_what_needs_bytes(table: TableReader, fault: Fault) -> None:
    message = f"is not for a fault of the type {fault.type!r}, which is about connecting"
    if "stream" in table:
        table.problem("stream", message)
    if fault.match.after_bytes:
        table.report.add((*table.path, "match", "after_bytes"), message)


def _report_unknown_backend(table: TableReader, fault: Fault, backends: Iterable[str]) -> None:
    name, known = fault.match.backend, tuple(backends)
    if name is not None and known and name not in known:
        key = "backend" if "backend" in table else "match"
        table.problem(key, f"there is no backend {name!r} in this pool", closest(name, known))


def faults_of(config: Config) -> Mapping[tuple[str, str], tuple[Fault, ...]]:
    """Return all faults of a configuration, by ("listeners" or "pools", name)."""
    listeners = {("listeners", each.name): each.faults for each in config.listeners.values()}
    pools = {("pools", each.name): each.faults for each in config.pools.values()}
    return {where: faults for where, faults in {**listeners, **pools}.items() if faults}


def refuse_unwanted_faults(config: Config) -> None:
    """Raise ConfigError where `[balancer]` does not allow the faults that there are."""
    report = Report("")
    report_unwanted_faults(config, report)
    report.raise_problems()


def report_unwanted_faults(config: Config, report: Report) -> None:
    """Report faults where `[balancer]` does not allow any: nothing may break by accident."""
    if config.balancer.faults:
        return
    for section, name in faults_of(config):
        message = "need faults = true in [balancer], so that nothing is broken by accident"
        report.add((section, name, "faults"), message)
