"""The client for threads."""

import copy
import os
import ssl
import time
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, Self, TypeVar

import httpcore

from streamrec.client import address
from streamrec.client.answers.items import Item
from streamrec.client.attempts import PATIENT, Failure, Reply, Retries, Send, attempts
from streamrec.client.batches import MAX_BODY_BYTES, split
from streamrec.client.binding import ITEMS, LISTED, USERS, iterates, sends
from streamrec.client.bounds import BOUNDS, Bounds
from streamrec.client.call import Call
from streamrec.client.calls import events, experiments, health, items, lists, own_data, users
from streamrec.client.deadline import DeadlineBackend, ending_after
from streamrec.client.event_buffer import EventBuffer
from streamrec.client.outbox import OnRejected

T = TypeVar("T")


class Client:
    """A recommender's client, which several threads may use at once.

    It has a method for each operation of the recommender's OpenAPI document. A request that gets no answer,
    or one that says later (429, 502, 503, 504), is repeated within its time; see `Retries`.

    Parameters
    ----------
    url
        Of the recommender, with its root path, if it has one.
    api_key
        Where the server asks for keys.
    timeout_s
        For each call, repetitions and pauses included. Only the look-up of a host's name may take longer.
    retries
        How often and after which pauses a request is repeated.
    ssl_context
        How certificates are checked; by default by the system's authorities.
    proxy
        URL of an HTTP or SOCKS proxy; variables such as `HTTPS_PROXY` are not read.

    Raises
    ------
    ValueError
        When the URL is none.

    Each method raises a `RecommenderError`; `streamrec.client.errors` shows which there are.
    """

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
        context = address.context_for(self._address, ssl_context)
        self._connections = Connections(context, proxy)

    recommendations = sends(lists.recommendations)
    each_recommendation = iterates(lists.recommendations, LISTED)
    recommendations_batch = sends(lists.recommendations_batch)
    popular = sends(lists.popular)
    each_popular = iterates(lists.popular, LISTED)
    trending = sends(lists.trending)
    each_trending = iterates(lists.trending, LISTED)
    latest = sends(lists.latest)
    each_latest = iterates(lists.latest, LISTED)
    similar_items = sends(lists.similar_items)
    post_events = sends(events.post_events)
    get_item = sends(items.get_item)
    put_item = sends(items.put_item)
    delete_item = sends(items.delete_item)
    put_items = sends(items.put_items)
    find_items = sends(items.find_items)
    each_item = iterates(items.all_items, ITEMS)
    item_users = sends(items.item_users)
    item_history = sends(items.item_history)
    item_exposures = sends(items.item_exposures)
    get_user = sends(users.get_user)
    put_user = sends(users.put_user)
    erase_user = sends(users.erase_user)
    find_users = sends(users.find_users)
    each_user = iterates(users.all_users, USERS)
    similar_users = sends(users.similar_users)
    user_exposures = sends(users.user_exposures)
    list_experiments = sends(experiments.list_experiments)
    get_experiment = sends(experiments.get_experiment)
    put_experiment = sends(experiments.put_experiment)
    delete_experiment = sends(experiments.delete_experiment)
    ramp_experiment = sends(experiments.ramp_experiment)
    stop_experiment = sends(experiments.stop_experiment)
    status = sends(health.status)
    status_series = sends(health.status_series)
    exposures = sends(health.exposures)
    liveness = sends(health.liveness)
    readiness = sends(health.readiness)
    upload_file = sends(own_data.upload_file)
    remove_file = sends(own_data.remove_file)
    inspect_files = sends(own_data.inspect_files)
    train_on_files = sends(own_data.train_on_files)
    cancel_training = sends(own_data.cancel_training)
    own_data = sends(own_data.own_data)

    def load_items(
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
            self.send(items.put_encoded(part))
            n_items += len(part)
        return n_items

    def events(self, bounds: Bounds = BOUNDS, on_rejected: OnRejected | None = None) -> EventBuffer:
        """Return a buffer that takes events one by one and sends them many at a time."""
        return EventBuffer(self, bounds, on_rejected)

    def within(self, timeout_s: float) -> Self:
        """Return a client that gives each call another time; it shares the connections of this one."""
        other = copy.copy(self)
        other._timeout_s = timeout_s  # noqa: SLF001  # of a copy of our own
        return other

    def send(self, call: Call[T]) -> T:
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
                outcome = self._exchange(call, step.left_s)
            else:
                time.sleep(step.for_s)
            try:
                step = steps.send(outcome)
            except StopIteration as answered:
                answer: T = answered.value
                return answer

    def _exchange(self, call: Call[T], left_s: float) -> Reply | Failure:
        url, headers = self._address.url_of(call), self._address.headers_of(call)
        pool = self._connections.pool()
        timeouts = {"timeout": {"pool": left_s}}
        try:
            with (
                ending_after(left_s),
                pool.stream(
                    call.method, url, headers=headers, content=call.body, extensions=timeouts
                ) as answer,
            ):
                reader = address.ReplyReader(answer.status, answer.headers)
                for part in answer.iter_stream():
                    reader.feed(part)
                return reader.reply()
        except address.NOT_ANSWERED as error:
            return address.failure_of(error)

    def close(self) -> None:
        """Close all connections; a call would open them again."""
        self._connections.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Connections:
    """Connections of this process: those of a process that forked are its own."""

    def __init__(self, ssl_context: ssl.SSLContext | None, proxy: str | None) -> None:
        self._ssl_context, self._proxy = ssl_context, address.proxy_of(proxy)
        self._process_id, self._pool = os.getpid(), self._opened()

    def pool(self) -> httpcore.ConnectionPool:
        """Return the pool to send by."""
        if self._process_id != os.getpid():
            self._process_id, self._pool = os.getpid(), self._opened()
        return self._pool

    def close(self) -> None:
        """Close what is open; that of a process that forked stays."""
        self.pool().close()

    def _opened(self) -> httpcore.ConnectionPool:
        return httpcore.ConnectionPool(
            ssl_context=self._ssl_context,
            proxy=self._proxy,
            max_connections=address.MAX_CONNECTIONS,
            keepalive_expiry=address.KEEP_ALIVE_S,
            network_backend=DeadlineBackend(),
        )
