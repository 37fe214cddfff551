"""Asks an example's own app."""

import http.client
import json
from typing import Any


def ask(port: int, method: str, path: str, body: bytes | None = None) -> tuple[int, Any]:
    """Return the status and the JSON that the app on this port answers."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()
