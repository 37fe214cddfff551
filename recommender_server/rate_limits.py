"""Middleware that lets no client ask more often than is set."""

import math

import falcon
import falcon.asgi

from streamrec.ports import Metrics
from streamrec.web.api_keys import key_of
from streamrec.web.rates import RateLimit, network_of


class RateLimits:
    """Refuses requests under ``/v1`` that come too often, with 429 and when to come again.

    Parameters
    ----------
    of_addresses, of_keys
        Limits of each address, before its key is looked at, and of each valid key; None: there is none.
    """

    def __init__(self, of_addresses: RateLimit | None, of_keys: RateLimit | None, metrics: Metrics) -> None:
        self._of_addresses, self._of_keys = of_addresses, of_keys
        self._metrics = metrics

    async def process_request(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Count the request of its address.

        Raises
        ------
        falcon.HTTPTooManyRequests
            When it comes too early.
        """
        if self._of_addresses is not None and req.path.startswith("/v1/"):
            self._check(self._of_addresses.wait_s(network_of(req.remote_addr)), "address")

    async def process_resource(
        self, req: falcon.asgi.Request, resp: falcon.asgi.Response, resource: object, params: object
    ) -> None:
        """Count the request of its key, which was found valid by then.

        Raises
        ------
        falcon.HTTPTooManyRequests
            When it comes too early.
        """
        if self._of_keys is None or not hasattr(req.context, "scopes"):
            return
        if (key := key_of(req)) is not None:
            self._check(self._of_keys.wait_s(key), "key")

    def _check(self, wait_s: float, what: str) -> None:
        if wait_s:
            self._metrics.count("recommender.rate_limited")
            raise falcon.HTTPTooManyRequests(
                description=f"too many requests of this {what}; come again in {wait_s:.1f} s",
                retry_after=math.ceil(wait_s),
            )
