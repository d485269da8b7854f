"""The files of the dashboard and of the API's own description: read once, served from memory."""

from __future__ import annotations

from hashlib import sha256
from importlib.resources import files
from pathlib import PurePath
from typing import TYPE_CHECKING

import attrs
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse, Response

from trio_balancer.control.admin.openapi import document

if TYPE_CHECKING:
    from starlette.requests import Request

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
# A browser keeps a file, and asks whether it has changed: after an update nobody sees old ones.
_CACHE = "no-cache"


@attrs.frozen
class _File:
    content: bytes
    media_type: str
    tag: str


def _read(folder: str) -> dict[str, _File]:
    found = {}
    for each in files("trio_balancer.control.admin").joinpath(folder).iterdir():
        content = each.read_bytes()
        tag = f'"{sha256(content).hexdigest()[:16]}"'
        found[each.name] = _File(content, _TYPES[PurePath(each.name).suffix], tag)
    return found


@attrs.define(eq=False)
class Pages:
    """What answers /, /static, /api/docs and /api/openapi.json."""

    _files: dict[str, _File] = attrs.Factory(lambda: _read("dashboard"))

    async def dashboard(self, request: Request) -> Response:
        """Show the dashboard."""
        return self._serve("index.html", request)

    async def docs(self, request: Request) -> Response:
        """Show the API's description for people."""
        return self._serve("docs.html", request)

    async def openapi(self, _request: Request) -> Response:
        """Tell the API's description for programs."""
        return JSONResponse(document())

    async def static(self, request: Request) -> Response:
        """Serve what these pages are made of."""
        return self._serve(request.path_params["name"], request)

    def _serve(self, name: str, request: Request) -> Response:
        file = self._files.get(name)
        if file is None:
            raise HTTPException(404)
        headers = {"Cache-Control": _CACHE, "ETag": file.tag}
        if request.headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=headers)
        return Response(file.content, headers={**headers, "Content-Type": file.media_type})
