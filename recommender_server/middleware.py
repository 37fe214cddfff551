"""Middleware of this service alone: who is let in, and what is opened and closed with the server."""

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import falcon
import falcon.asgi
import structlog

from recommender_server.access import ApiKeys
from streamrec.errors import ConfigurationError
from streamrec.serving.readiness import Readiness

_log = structlog.get_logger()


_CHANGES = frozenset({"PUT", "DELETE"})
"""Methods that change items and users; events are posted."""

_FORWARDED = ("Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Via")
"""Headers of proxies: who sends them is somewhere else."""


class Access:
    """Lets in who has a key; health, documents and everything else outside ``/v1`` is open.

    Parameters
    ----------
    keys
        Of those who may ask and send events; None: everybody may.
    admin_keys
        Of those who, beside that, may change items and erase users; None: all who are let in may.
    is_open_to_browsers
        Whether preflight requests, to which browsers add no key, are let through.
    """

    def __init__(
        self, keys: ApiKeys | None, admin_keys: ApiKeys | None = None, *, is_open_to_browsers: bool = False
    ) -> None:
        self._keys, self._admin_keys = keys, admin_keys
        self._is_open_to_browsers = is_open_to_browsers

    async def process_request(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Refuse a request without a valid key.

        Raises
        ------
        falcon.HTTPUnauthorized
            When there is none.
        falcon.HTTPForbidden
            When the key is not one of those that a change needs.
        """
        if not req.path.startswith("/v1/") or (self._is_open_to_browsers and _is_preflight(req)):
            return
        key = key_of(req)
        is_admin = self._admin_keys is not None and self._admin_keys.allow(key)
        req.context.may_change = is_admin or self._admin_keys is None
        is_let_in = is_admin or self._keys is None or self._keys.allow(key)
        is_change_refused = req.method in _CHANGES and not req.context.may_change
        if is_let_in and is_change_refused and key is not None:
            raise falcon.HTTPForbidden(description="items and users are changed with an admin key alone")
        if not is_let_in or is_change_refused:
            raise _no_key()


def key_of(req: falcon.asgi.Request) -> str | None:
    """Return the key that a request brings; None: it brings none."""
    key = req.get_header("X-API-Key")
    if key is None:
        scheme, _, token = (req.auth or "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else None
    return key


def may_change(req: falcon.asgi.Request) -> bool:
    """Return whether the caller may change items and erase users: everybody where no keys are asked for."""
    return bool(getattr(req.context, "may_change", True))


def demand_admin(req: falcon.asgi.Request) -> None:
    """Return for who may change the whole: with an admin key, with any key where there are no such, or here.

    Where no key is asked for, that is who sits at this machine, and not a proxy on it, nor a page from
    elsewhere whose name was made to lead here.

    Raises
    ------
    falcon.HTTPUnauthorized, falcon.HTTPForbidden
        For everybody else.
    """
    if not hasattr(req.context, "may_change") and not _is_here(req):
        raise falcon.HTTPForbidden(
            description="without keys this is for who sits at the recommender's machine; for others,"
            " set STREAMREC_ADMIN_KEYS_FILE"
        )
    demand_admin_key(req)


def demand_admin_key(req: falcon.asgi.Request) -> None:
    """Return for who has an admin key; for everybody where there are no such.

    Raises
    ------
    falcon.HTTPUnauthorized, falcon.HTTPForbidden
        For everybody else.
    """
    if may_change(req):
        return
    if key_of(req) is None:
        raise _no_key()
    raise falcon.HTTPForbidden(description="this is done with an admin key alone")


def _is_here(req: falcon.asgi.Request) -> bool:
    if any(req.get_header(name) for name in _FORWARDED):
        return False
    return _is_loopback(req.remote_addr) and _is_loopback(req.host)


def _is_loopback(host: str) -> bool:
    if host.strip("[]") == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _no_key() -> falcon.HTTPUnauthorized:
    words = "send a valid key as X-API-Key or Authorization: Bearer"
    return falcon.HTTPUnauthorized(description=words, challenges=["Bearer"])


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
