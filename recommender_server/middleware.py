"""Middleware of this service alone: who is let in, and what is opened and closed with the server."""

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import falcon
import falcon.asgi
import structlog

from streamrec.errors import ConfigurationError
from streamrec.serving.readiness import Readiness
from streamrec.settings.access import is_loopback
from streamrec.settings.key_file import Scope
from streamrec.web.api_keys import EVERYTHING, ApiKeys, key_of, no_key

_log = structlog.get_logger()

_OF_METHODS = {"GET": Scope.READ, "OPTIONS": Scope.READ, "POST": Scope.WRITE}
"""Scopes that methods need where a resource says nothing else (`scopes`); all others need `ADMIN`."""

ADMIN_ALONE = dict.fromkeys(("GET", "POST", "PUT", "DELETE"), Scope.ADMIN)
"""`scopes` of a resource that is an administrator's."""

_NO_ADMIN = frozenset({Scope.READ, Scope.WRITE})

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")
"""Headers of proxies: who sends them is somewhere else."""


class Access:
    """Lets in who has a key that opens what is asked for; everything outside ``/v1`` is open.

    Parameters
    ----------
    keys
        Keys that open what their lines name; None: everybody may ask and send events.
    admin_keys
        Keys that open everything where their lines name nothing; None: so do the others.
    is_open_to_browsers
        Whether preflight requests, to which browsers add no key, are let through.
    """

    def __init__(
        self, keys: ApiKeys | None, admin_keys: ApiKeys | None = None, *, is_open_to_browsers: bool = False
    ) -> None:
        self._keys, self._admin_keys = keys, admin_keys
        self._unnamed = EVERYTHING if admin_keys is None else _NO_ADMIN
        self._is_open_to_browsers = is_open_to_browsers

    async def process_request(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Refuse a request without a valid key, before anything of it is looked at.

        Raises
        ------
        falcon.HTTPUnauthorized
            When there is none.
        """
        if not self._asks_for_key(req, req.path):
            return
        scopes = self._scopes_of(key_of(req))
        if not scopes:
            raise no_key()
        req.context.scopes = scopes

    async def process_resource(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, resource: object, params: object
    ) -> None:
        """Refuse a request whose key does not open what it asks for.

        Raises
        ------
        falcon.HTTPUnauthorized
            When it brings none.
        falcon.HTTPForbidden
            When another key is needed.
        """
        scopes = getattr(req.context, "scopes", None)
        if scopes is None:
            if self._asks_for_key(req, req.uri_template or ""):  # however the path was written
                raise no_key()
            return
        if not hasattr(resource, f"on_{req.method.lower()}"):
            return
        named: Mapping[str, Scope] = getattr(resource, "scopes", {})
        needed = named.get(req.method, _OF_METHODS.get(req.method, Scope.ADMIN))
        if needed in scopes:
            return
        if key_of(req) is None:
            raise no_key()
        raise falcon.HTTPForbidden(
            description=f"this needs a key of the scope {needed}, and yours has another"
        )

    def _asks_for_key(self, req: falcon.asgi.Request, path: str) -> bool:
        return path.startswith("/v1/") and not (self._is_open_to_browsers and _is_preflight(req))

    def _scopes_of(self, key: str | None) -> frozenset[Scope]:
        """Return what a request with this key may do."""
        of_all = _NO_ADMIN if self._keys is None else self._keys.scopes_of(key, self._unnamed)
        return of_all if self._admin_keys is None else of_all | self._admin_keys.scopes_of(key)


def may_change(req: falcon.asgi.Request) -> bool:
    """Return whether the caller may change items and erase users: everybody where no keys are asked for."""
    return Scope.ADMIN in getattr(req.context, "scopes", EVERYTHING)


def demand_presence(req: falcon.asgi.Request) -> None:
    """Return for who brought a key, which was looked at before, or sits at this machine.

    That is no proxy on it, nor a page from elsewhere whose name was made to lead here.

    Raises
    ------
    falcon.HTTPForbidden
        For everybody else.
    """
    if not hasattr(req.context, "scopes") and not _is_here(req):
        raise falcon.HTTPForbidden(
            description="without keys this is for who sits at the recommender's machine; for others,"
            " set STREAMREC_ADMIN_KEYS_FILE"
        )


def _is_here(req: falcon.asgi.Request) -> bool:
    if any(req.get_header(name) for name in _FORWARDED):
        return False
    try:
        return is_loopback(req.remote_addr) and is_loopback(req.host)
    except ValueError:  # the header Host has something else than a port behind its colon
        return False


def _is_preflight(req: falcon.asgi.Request) -> bool:
    return req.method == "OPTIONS" and bool(req.get_header("Access-Control-Request-Method"))


class Lifespan:
    """Looks for the parts when the server starts, and closes what it holds open after the last request."""

    def __init__(
        self,
        readiness: Readiness,
        start: Callable[[], None],
        closers: Iterable[Callable[[], Awaitable[None]]],
    ) -> None:
        """`start` is called once the parts were looked for."""
        self._readiness = readiness
        self._start = start
        self._closers = tuple(closers)

    async def process_startup(self, scope: dict[str, Any], event: Mapping[str, Any]) -> None:
        """Start also without the parts; not when one refuses us.

        Raises
        ------
        ConfigurationError
            Which ends the process.
        """
        try:
            await self._readiness.start()
        except ConfigurationError as error:
            _log.critical("refused", error=str(error))
            raise
        self._start()

    async def process_shutdown(self, scope: dict[str, Any], event: Mapping[str, Any]) -> None:
        """Close everything, in order."""
        for close in self._closers:
            await close()
