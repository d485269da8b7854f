"""The shapes of the JSON API, as JSON Schema (draft 2020-12), for its OpenAPI document."""

from __future__ import annotations

from trio_balancer.control.admin.shapes import (
    Schema,
    boolean,
    counts,
    many,
    number,
    one_of,
    or_null,
    ref,
    shape,
    string,
    whole,
)

_NAME = string("its name")
_UP = whole("bytes from clients to backends")
_DOWN = whole("bytes from backends to clients")
_ACTIVE = whole("open now")
_LIMIT = or_null(whole("the most that may be open; null: no limit"))

_TRAFFIC = {
    "peak": whole("the most connections at once"),
    "accepted": whole("clients accepted since the start"),
    "refused": whole("clients refused"),
    "accept_errors": whole("failures to accept"),
    "bytes_up": _UP,
    "bytes_down": _DOWN,
    "rate": whole("clients accepted in the last second"),
    "rate_max": whole("the most in one second"),
    "endings": counts("finished connections by their two letters"),
    "refusals": counts("refused clients by the reason"),
}
_SERVICE = {
    "peak": whole("the most connections at once"),
    "total": whole("connections since the start"),
    "rate": whole("new ones in the last second"),
    "rate_max": whole("the most in one second"),
    "bytes_up": _UP,
    "bytes_down": _DOWN,
    "connect_p50": or_null(number("median of the latest dials, in seconds")),
    "connect_p99": or_null(number("99th percentile of the same")),
    "endings": counts("finished connections by their two letters"),
}
_LEGS = {
    "number": whole("counts from 1"),
    "client": string("its address, the announced one where there was a PROXY header"),
    "listener": string("where it came in"),
    "address": string("the address that it reached"),
    "pool": or_null(string("its pool")),
    "backend": or_null(string("its backend")),
    "backend_address": or_null(string("where that is")),
    "accepted_at": number("Unix seconds"),
    "attempts": whole("dials"),
    "connect_time": or_null(number("time of the dial, in seconds")),
    "bytes_up": whole("to the backend"),
    "bytes_down": whole("to the client"),
}

SCHEMAS: dict[str, Schema] = {
    "Status": shape(
        "Everything at one moment. Times are seconds.",
        version=string("of trio-balancer"),
        pid=whole("number of the process"),
        uptime=number("seconds since it began to serve"),
        ready=boolean("false once it was asked to stop"),
        draining=boolean("whether it stops"),
        config_file=or_null(string("path of the configuration")),
        reloads=ref("Reloads"),
        connections=ref("Process"),
        listeners=many("Listener", "in the order of the file"),
        pools=many("Pool", "in the order of the file"),
        leaving=many("Leaving", "what a reload has removed, with its last connections"),
        log=ref("Log"),
    ),
    "Reloads": shape(
        "What became of the reloads.",
        count=whole("those that were tried"),
        failed=whole("those that changed nothing"),
        last_error=or_null(string("why the last one failed")),
        last_at=or_null(number("Unix seconds")),
    ),
    "Process": shape(
        "The whole process.",
        active=_ACTIVE,
        limit=_LIMIT,
        bugs=whole("connections that a bug has ended"),
        filter_errors=whole("connections that a failure of a filter has ended"),
        **_TRAFFIC,
    ),
    "Listener": shape(
        "A listener.",
        name=_NAME,
        addresses={"type": "array", "items": {"type": "string"}, "description": "as bound"},
        pool=or_null(string("where its clients go; null: its routes say")),
        state=one_of("whether it accepts", "open", "full", "closed", "draining"),
        active=_ACTIVE,
        limit=_LIMIT,
        **_TRAFFIC,
    ),
    "Pool": shape(
        "A pool and its backends.",
        name=_NAME,
        policy=string("how it chooses"),
        required=boolean("whether readiness depends on it"),
        active=_ACTIVE,
        queued=whole("clients that wait for a slot"),
        held=whole("clients that wait for a backend to come up"),
        queue_limit=whole("the most that may wait"),
        backends=many("Backend", "in the order of the file"),
        **_SERVICE,
    ),
    "Backend": shape(
        "A backend.",
        name=string("unique in its pool"),
        address=string("where it is"),
        state=one_of("seen from outside", "up", "down", "drain", "maintenance"),
        admin=one_of("what the operator wants", "ready", "drain", "maintenance"),
        reason=string("why it is as it is"),
        since=number("Unix seconds"),
        in_state_for=number("seconds"),
        weight=whole("in force"),
        configured_weight=or_null(whole("in the file; null: it is not in the file")),
        effective_weight=number("less than weight in slow start"),
        max_connections=_LIMIT,
        backup=boolean("whether it serves only when no other can"),
        active=_ACTIVE,
        dials=whole("attempts to connect"),
        dial_failures=whole("those that failed"),
        resets=whole("resets before the first byte"),
        check=ref("Check"),
        ejected=boolean("whether it is set aside because it failed its clients"),
        ejection_ends_in=or_null(number("seconds")),
        times_down=whole("changes to down"),
        downtime=number("seconds spent down"),
        **_SERVICE,
    ),
    "Leaving": shape(
        "A listener or a backend that is gone but for its last connections.",
        what=one_of("which of the two", "listener", "backend"),
        name=_NAME,
        pool=or_null(string("a backend's pool, which may be gone too")),
        address=or_null(string("where a backend is")),
        active=_ACTIVE,
    ),
    "Check": shape(
        "The last health check.",
        type=one_of("how it asks", "tcp", "http", "expect", "none"),
        passed=or_null(boolean("null before the first")),
        detail=or_null(string("what came of it")),
        duration=or_null(number("seconds")),
        at=or_null(number("Unix seconds")),
    ),
    "Log": shape(
        "Log lines.",
        written=whole("written"),
        dropped=whole("lost"),
        suppressed=whole("held back by a limit"),
    ),
    "Connection": shape(
        "A live connection.",
        phase=one_of(
            "how far it is", "greeting", "waiting", "connecting", "data", "tarpit", "finished"
        ),
        age=number("seconds since it was accepted"),
        **_LEGS,
    ),
    "Ending": shape(
        "A finished connection, with the keys of a line of the JSON log.",
        time=string("when it ended, ISO 8601"),
        queue_time=or_null(number("seconds until a backend was chosen")),
        total_time=number("seconds from accept to the end"),
        ending=string("two letters: who ended it, and when"),
        reason=or_null(string("why, in words")),
        refusal=or_null(string("why it was turned away, in one word")),
        **_LEGS,
    ),
    "Sample": shape(
        "One moment of the last minutes.",
        at=number("Unix seconds"),
        active=whole("open connections"),
        accepted=whole("clients accepted since the start"),
        bytes_up=whole("since the start, with those of live connections"),
        bytes_down=whole("likewise"),
        connect_p50=or_null(number("of the slowest pool, in seconds")),
        connect_p99=or_null(number("likewise")),
    ),
    "Readiness": shape(
        "Whether new clients should be sent here.",
        status=one_of("the answer", "ready", "not ready"),
        reasons={"type": "array", "items": {"type": "string"}, "description": "why not"},
    ),
    "Done": {
        "type": "object",
        "description": "What was done, by the names of what it was done to.",
        "additionalProperties": True,
    },
    "Error": shape(
        "Why it was not done.",
        error={
            **shape(
                "The error.",
                code=string("a stable word for programs"),
                message=string("a sentence for people"),
            )
        },
    ),
}
