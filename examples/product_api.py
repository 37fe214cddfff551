"""The product's HTTP API, as an example calls it."""

import http.client
from typing import Any
from urllib.parse import quote, urlencode

import msgspec

_TIMEOUT_S = 10.0

_UNAVAILABLE = 503


class ProductError(Exception):
    """The product did not do what it was asked.

    Attributes
    ----------
    status
        As the product answered, 503 where it did not answer at all.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


class ProductApi:
    """Calls to the recommender on this machine; may be used by several threads at once."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.url = f"http://127.0.0.1:{port}"

    def get(self, path: str, **query: object) -> Any:  # noqa: ANN401  # JSON
        """Return the decoded answer to a GET; see `call`."""
        return self.call("GET", f"{path}?{urlencode(query)}" if query else path)

    def call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401  # JSON
        """Send a request and return the decoded answer, None where it is empty.

        Raises
        ------
        ProductError
            When the product refuses the request, can't answer it now, or does not answer.
        """
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=_TIMEOUT_S)
        try:
            payload = None if body is None else msgspec.json.encode(body)
            connection.request(method, path, payload, {"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise ProductError(_UNAVAILABLE, f"the product does not answer: {error!r}") from error
        finally:
            connection.close()
        if response.status >= http.client.BAD_REQUEST:
            raise ProductError(response.status, _reason_in(content))
        return msgspec.json.decode(content) if content else None


def _reason_in(content: bytes) -> str:
    """Return what a refusal says: problem details, or plain text where a URL was too long to be read."""
    try:
        problem = msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return content[:200].decode("utf-8", "replace")
    return str(problem.get("detail") or problem.get("title"))


def path_of(*segments: str) -> str:
    """Return a path of these segments, each encoded.

    >>> path_of("v1", "items", "a/b")
    '/v1/items/a%2Fb'
    """
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)
