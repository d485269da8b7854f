"""A shop on the web, to be started as a program: `python web_shop.py PORT`.

POST /orders takes {"item": …} and answers 201, GET /orders lists the items. An order with the
header Idempotency-Key is the same one as any other with that key.
"""

from __future__ import annotations

import json
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar


class ShopHandler(BaseHTTPRequestHandler):
    """Answers a client's requests; the orders are those of all clients."""

    protocol_version = "HTTP/1.1"
    orders: ClassVar[dict[object, str]] = {}

    def do_GET(self) -> None:
        """List the items that were ordered."""
        self._answer(200, list(self.orders.values()))

    def do_POST(self) -> None:
        """Order an item."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        key = self.headers.get("Idempotency-Key", len(self.orders))
        self.orders[key] = json.loads(body)["item"]
        self._answer(201, self.orders[key])

    def _answer(self, status: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), ShopHandler).serve_forever()
