"""The client for an event loop."""

import asyncio
import copy
import ssl
import time
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpcore

from streamrec.client import address
from streamrec.client.answers.items import Item
from streamrec.client.async_event_buffer import AsyncEventBuffer
from streamrec.client.attempts import PATIENT, Failure, Reply, Retries, Send, attempts
from streamrec.client.batches import MAX_BODY_BYTES, split
from streamrec.client.binding import ITEMS, LISTED, USERS, awaits, iterates_async
from streamrec.client.bounds import BOUNDS, Bounds
from streamrec.client.call import Call
from streamrec.client.calls import events, experiments, health, items, lists, own_data, users
from streamrec.client.outbox import OnRejected

T = TypeVar("T")


class AsyncClient:
    """A recommender's client for one event loop; `Client` tells of its parameters, methods and errors."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        api_key: str | None = None,
        timeout_s: float = 10.0,
        retries: Retries = PATIENT,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
    ) -> None:
        self.url = url.rstrip("/")
        self._address = address.address_of(url, api_key)
        self._timeout_s, self._retries = timeout_s, retries
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=address.context_for(self._address, ssl_context),
            proxy=address.proxy_of(proxy),
            max_connections=address.MAX_CONNECTIONS,
            keepalive_expiry=address.KEEP_ALIVE_S,
        )

    recommendations = awaits(lists.recommendations)
    each_recommendation = iterates_async(lists.recommendations, LISTED)
    recommendations_batch = awaits(lists.recommendations_batch)
    popular = awaits(lists.popular)
    each_popular = iterates_async(lists.popular, LISTED)
    trending = awaits(lists.trending)
    each_trending = iterates_async(lists.trending, LISTED)
    latest = awaits(lists.latest)
    each_latest = iterates_async(lists.latest, LISTED)
    similar_items = awaits(lists.similar_items)
    post_events = awaits(events.post_events)
    get_item = awaits(items.get_item)
    put_item = awaits(items.put_item)
    delete_item = awaits(items.delete_item)
    put_items = awaits(items.put_items)
    find_items = awaits(items.find_items)
    each_item = iterates_async(items.all_items, ITEMS)
    item_users = awaits(items.item_users)
    item_history = awaits(items.item_history)
    item_exposures = awaits(items.item_exposures)
    get_user = awaits(users.get_user)
    put_user = awaits(users.put_user)
    erase_user = awaits(users.erase_user)
    find_users = awaits(users.find_users)
    each_user = iterates_async(users.all_users, USERS)
    similar_users = awaits(users.similar_users)
    user_exposures = awaits(users.user_exposures)
    list_experiments = awaits(experiments.list_experiments)
    get_experiment = awaits(experiments.get_experiment)
    put_experiment = awaits(experiments.put_experiment)
    delete_experiment = awaits(experiments.delete_experiment)
    ramp_experiment = awaits(experiments.ramp_experiment)
    stop_experiment = awaits(experiments.stop_experiment)
    status = awaits(health.status)
    status_series = awaits(health.status_series)
    exposures = awaits(health.exposures)
    liveness = awaits(health.liveness)
    readiness = awaits(health.readiness)
    upload_file = awaits(own_data.upload_file)
    remove_file = awaits(own_data.remove_file)
    inspect_files = awaits(own_data.inspect_files)
    train_on_files = awaits(own_data.train_on_files)
    cancel_training = awaits(own_data.cancel_training)
    own_data = awaits(own_data.own_data)

    async def load_items(
        self, described: Iterable[Item | Mapping[str, Any]], max_bytes: int = MAX_BODY_BYTES
    ) -> int:
        """Replace any number of items, some thousand in a request, and return how many they were.

        A request is taken as a whole or not at all; those before it stay.

        Parameters
        ----------
        max_bytes
            Of a request; a server may be set to take less than it does by default, or more.
        """
        n_items = 0
        for part in split(map(items.encoded_item, described), items.MAX_ITEMS, max_bytes):
            await self.send(items.put_encoded(part))
            n_items += len(part)
        return n_items

    def events(self, bounds: Bounds = BOUNDS, on_rejected: OnRejected | None = None) -> AsyncEventBuffer:
        """Return a buffer that takes events one by one and sends them many at a time."""
        return AsyncEventBuffer(self, bounds, on_rejected)

    def within(self, timeout_s: float) -> Self:
        """Return a client that gives each call another time; it shares the connections of this one."""
        other = copy.copy(self)
        other._timeout_s = timeout_s  # noqa: SLF001  # of a copy of our own
        return other

    async def send(self, call: Call[T]) -> T:
        """Return the answer to a call.

        Raises
        ------
        RecommenderError
            When there is none, or it is a refusal.
        """
        steps = attempts(call, self._timeout_s, self._retries, time.monotonic)
        step = next(steps)
        while True:
            outcome = None
            if isinstance(step, Send):
                outcome = await self._exchange(call, step.left_s)
            else:
                await asyncio.sleep(step.for_s)
            try:
                step = steps.send(outcome)
            except StopIteration as answered:
                answer: T = answered.value
                return answer

    async def _exchange(self, call: Call[T], left_s: float) -> Reply | Failure:
        url, headers = self._address.url_of(call), self._address.headers_of(call)
        try:
            async with (
                asyncio.timeout(left_s),
                self._pool.stream(call.method, url, headers=headers, content=call.body) as answer,
            ):
                reader = address.ReplyReader(answer.status, answer.headers)
                async for part in answer.aiter_stream():
                    reader.feed(part)
                return reader.reply()
        except address.NOT_ANSWERED as error:
            return address.failure_of(error)

    async def close(self) -> None:
        """Close all connections; a call would open them again."""
        await self._pool.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
