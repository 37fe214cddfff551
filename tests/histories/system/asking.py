"""Questions over HTTP to a service that may be away."""

import http.client
import time
from typing import Any, NamedTuple
from urllib.parse import urlencode

import msgspec

_PATIENCE_S = 60.0


class Answer(NamedTuple):
    """Status and JSON of an answer, 0 and None where there was none, and the seconds that it took."""

    status: int
    body: Any
    took_s: float


def answer_at(port: int, method: str, path: str, body: object, query: dict[str, Any]) -> Answer:
    """Ask a service on this machine."""
    begun = time.monotonic()
    target = f"{path}?{urlencode(query, doseq=True)}" if query else path
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE_S)
    try:
        connection.request(method, target, msgspec.json.encode(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        status, content = response.status, response.read()
    except (OSError, http.client.HTTPException):
        status, content = 0, b""
    finally:
        connection.close()
    told = msgspec.json.decode(content) if content else None
    return Answer(status, told, time.monotonic() - begun)
