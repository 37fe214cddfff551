"""One request to one of our services, with its errors in our words."""

import http.client
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

import msgspec

from streamrec.errors import (
    ConfigurationError,
    Damaged,
    InvalidInput,
    Overloaded,
    RefusedBody,
    Unavailable,
    UnknownId,
)
from streamrec.payload import decoded
from streamrec.redaction import shown_url
from streamrec.settings.key_file import keys_in
from streamrec.settings.processes import LocationSettings

_DEFAULT_PORT = {"http": 80, "https": 443}
_ABOUT_THE_BODY = frozenset((400, 413, 422))


@dataclass(frozen=True)
class Service:
    """A service and how to ask it.

    The address is asked directly: a proxy from the environment knows nothing of this machine's ports.
    """

    url: str
    api_key: str | None = None
    timeout_s: float = 10.0

    @property
    def address(self) -> str:
        """The URL as people may see it."""
        return shown_url(self.url)

    def get(self, path: str) -> Any:  # noqa: ANN401  # JSON
        """Return the decoded answer to a GET; see `call`."""
        return self.call("GET", path)

    def call(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401  # JSON
        """Send a request, and return the decoded answer, None where it is empty.

        Raises
        ------
        Unavailable
            When nothing answers, what answers is not JSON, or it says that it can't now.
        Overloaded
            When it says to come again later.
        RefusedBody
            When it can't take the body, with its reason.
        InvalidInput, UnknownId
            When it refuses the request otherwise; with its reason.
        ConfigurationError
            When it wants an API key, or another one.
        """
        headers = {"Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        if self.api_key is not None:
            headers["X-API-Key"] = self.api_key
        connection = self._connection()
        try:
            payload = None if body is None else msgspec.json.encode(body)
            connection.request(method, path, payload, headers)
            response = connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"{self.address} does not answer: {_words_of(error)}") from error
        finally:
            connection.close()
        return self._checked(response.status, dict(response.headers), content)

    def _connection(self) -> http.client.HTTPConnection:
        parts = urlsplit(self.url)
        try:
            port = parts.port
        except ValueError as error:
            # The error quotes what stands where the port should: it may be a part of a password.
            raise ConfigurationError(f"{self.address!r} has no number as its port") from error
        if parts.scheme not in _DEFAULT_PORT or not parts.hostname:
            raise ConfigurationError(f"{self.address!r} is not of the form http://host:port")
        kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        return kind(parts.hostname, port or _DEFAULT_PORT[parts.scheme], timeout=self.timeout_s)

    def _checked(self, status: int, headers: Mapping[str, str], content: bytes) -> Any:  # noqa: ANN401  # JSON
        try:
            answer = decoded(msgspec.json.decode, content) if content else None
        except Damaged:
            what = f"{self.address} answers {status}, but not in JSON: something else listens there"
            raise Unavailable(what) from None
        if status < 400:
            return answer
        problem = answer if isinstance(answer, dict) else {}
        detail = problem.get("detail") or problem.get("title") or content[:200].decode("utf-8", "replace")
        reason = f"{self.address} answers {status}: {detail}"
        if status == 429:
            raise Overloaded(reason, retry_after_s=float(headers.get("Retry-After", 1)))
        if status == 401:
            raise ConfigurationError(f"{reason}; {self._about_key()}")
        if status >= 500:
            raise Unavailable(reason)
        if status in _ABOUT_THE_BODY:
            raise RefusedBody(reason, str(detail))
        raise UnknownId(reason) if status == 404 else InvalidInput(reason)

    def _about_key(self) -> str:
        if self.api_key is None:
            return "name one of its keys by --api-key or STREAMREC_API_KEY"
        return "the key of --api-key or STREAMREC_API_KEY is none of its keys: name one that is"


def index_at(locations: LocationSettings) -> Service:
    """Return the index service, with its key where it asks for one."""
    file = locations.index_keys_file
    return Service(locations.index_url, None if file is None else keys_in(file)[0].key)


def _words_of(error: Exception) -> str:
    return str(error) or type(error).__name__


def quoted(id_: str) -> str:
    """Return an id as a part of a path or a query: every byte that could divide is encoded.

    >>> quoted("a/b c")
    'a%2Fb%20c'
    """
    return quote(id_, safe="")
