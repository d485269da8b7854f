"""The OpenAPI 3.1 document of the admin server: every path, what it takes and what it answers.

A test compares it with the routes, and another each answer with its shape.
"""

from __future__ import annotations

from trio_balancer.control.admin.schemas import SCHEMAS
from trio_balancer.control.admin.shapes import Schema, duration, many, ref
from trio_balancer.version import __version__

_BACKEND = "/api/pools/{pool}/backends/{backend}"
_DESCRIPTION = """\
Look at a running balancer, and change it.
Where the configuration has a token, all but the probes needs it. Changes are sent as \
application/json, not from another site, and without a token only from this machine."""
_TAGS = {"look": "Look", "change": "Change", "probe": "Probes and metrics"}

_ERRORS = {
    400: "a value makes no sense",
    401: "a token is needed",
    403: "not allowed from there, or sent by another site",
    404: "there is no such pool or backend",
    408: "the body came too slowly",
    409: "it failed, and nothing was changed",
    413: "the body is too large",
    415: "the body was not sent as JSON",
    503: "too many clients listen already",
}
_READING_ERRORS = (401, 403)
_CHANGING_ERRORS = (400, 401, 403, 404, 408, 409, 413, 415)

_LIMIT: Schema = {
    "name": "limit",
    "in": "query",
    "description": "how many at most, up to 1000",
    "schema": {"type": "integer", "minimum": 0, "maximum": 1000, "default": 100},
}
_OVER = duration("over which it is done; null: at once")
_PATIENCE = duration("over which connections are ended evenly; null: they may finish")
_WEIGHT: Schema = {
    "type": ["integer", "string"],
    "description": '0 to 256, or a percentage of the configured one, like "50%"',
}
_NAMES = {
    "pool": "name of a pool",
    "backend": "name of one of its backends, percent-encoded",
}


def document() -> Schema:
    """Build the document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "The API of trio-balancer",
            "version": __version__,
            "description": _DESCRIPTION,
        },
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items()],
        "security": [{}, {"token": []}],
        "paths": {**_looking(), **_changing(), **_probing()},
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": SCHEMAS,
        },
    }


def _looking() -> Schema:
    return {
        "/api/status": _get("status", "Everything at this moment.", _json(ref("Status"))),
        "/api/connections": _get(
            "connections",
            "Live connections, oldest first.",
            _json(many("Connection", "connections")),
            parameters=[_LIMIT],
        ),
        "/api/endings": _get(
            "endings",
            "Finished connections, newest first.",
            _json(many("Ending", "connections")),
            parameters=[_LIMIT],
        ),
        "/api/history": _get(
            "history",
            "Samples of the last minutes, oldest first.",
            _json(many("Sample", "samples")),
        ),
        "/api/events": _get(
            "events",
            "What happens, as server-sent events: status (Status) and sample (Sample) every "
            "second, ending (Ending) for each finished connection, and missed with the number "
            "of those that there was no room for.",
            {"text/event-stream": {"schema": {"type": "string"}}},
            errors=(*_READING_ERRORS, 503),
        ),
    }


def _changing() -> Schema:
    return {
        f"{_BACKEND}/drain": _post(
            "drainBackend",
            "Give a backend no new connection. Over some time, its connections are ended evenly.",
            names=("pool", "backend"),
            members={"over": _OVER},
        ),
        f"{_BACKEND}/ready": _post(
            "readyBackend", "Let a backend take connections again.", names=("pool", "backend")
        ),
        f"{_BACKEND}/maintenance": _post(
            "maintainBackend",
            "Take a backend out of service; its connections stay.",
            names=("pool", "backend"),
        ),
        f"{_BACKEND}/weight": _post(
            "weighBackend",
            "Set a backend's weight.",
            names=("pool", "backend"),
            members={"weight": _WEIGHT},
            required=["weight"],
        ),
        "/api/pools/{pool}/drain": _post(
            "drainPool",
            "Give the backends of a pool no new connection.",
            names=("pool",),
            members={"over": _OVER},
        ),
        "/api/reload": _post(
            "reload", "Read the configuration again; one with a mistake changes nothing."
        ),
        "/api/drain": _post(
            "drain",
            "Stop accepting, and end the process after the last connection.",
            members={"over": _PATIENCE},
        ),
    }


def _probing() -> Schema:
    return {
        "/healthz": _get(
            "healthz", "Whether the process answers.", _json({"type": "object"}), "probe", errors=()
        ),
        "/readyz": {
            "get": {
                **_operation("readyz", "probe", "Whether new clients should be sent here."),
                "responses": {
                    "200": {"description": "yes", "content": _json(ref("Readiness"))},
                    "503": {
                        "description": "no, while it stops or a required pool has no backend up",
                        "content": _json(ref("Readiness")),
                    },
                },
            }
        },
        "/metrics": _get(
            "metrics",
            "Metrics for Prometheus.",
            {"text/plain": {"schema": {"type": "string"}}},
            "probe",
        ),
    }


def _json(schema: Schema) -> Schema:
    return {"application/json": {"schema": schema}}


def _operation(name: str, tag: str, text: str) -> Schema:
    return {"operationId": name, "tags": [tag], "summary": text}


def _errors(statuses: tuple[int, ...]) -> Schema:
    content = _json(ref("Error"))
    return {
        str(status): {"description": _ERRORS[status], "content": content} for status in statuses
    }


def _get(
    name: str,
    text: str,
    content: Schema,
    tag: str = "look",
    *,
    errors: tuple[int, ...] = _READING_ERRORS,
    parameters: list[Schema] | None = None,
) -> Schema:
    if parameters:
        errors = (400, *errors)
    answer = {"200": {"description": "the answer", "content": content}, **_errors(errors)}
    operation = {**_operation(name, tag, text), "parameters": parameters or []}
    return {"get": {**operation, "responses": answer}}


def _post(
    name: str,
    text: str,
    *,
    names: tuple[str, ...] = (),
    members: dict[str, Schema] | None = None,
    required: list[str] | None = None,
) -> Schema:
    body: Schema = {
        "type": "object",
        "properties": members or {},
        "required": required or [],
        "additionalProperties": False,
    }
    parameters = [
        {
            "name": each,
            "in": "path",
            "required": True,
            "description": _NAMES[each],
            "schema": {"type": "string"},
        }
        for each in names
    ]
    done = {"200": {"description": "done", "content": _json(ref("Done"))}}
    operation = {
        **_operation(name, "change", text),
        "parameters": parameters,
        "requestBody": {"required": required is not None, "content": _json(body)},
        "responses": {**done, **_errors(_CHANGING_ERRORS)},
    }
    return {"post": operation}
