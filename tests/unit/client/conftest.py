"""Both clients, driven alike, and a recommender over a real socket."""

import asyncio
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from recommender_server.app import Rules, create_app
from streamrec.client import AsyncClient, Client
from streamrec.web.api_keys import ApiKeys
from tests.page.served_page import serving
from tests.unit.recommender_server.conftest import MAX_BODY_BYTES, Server

Drive = Callable[..., Any]


class Driven:
    """A client, or what belongs to one, whose methods are waited for, whichever kind it is of."""

    def __init__(self, driven: Any, runner: asyncio.Runner | None) -> None:
        self._driven, self._runner = driven, runner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._driven, name)
        return self._waited(found) if callable(found) else found

    def _waited(self, method: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if self._runner is None:
                return self._known(method(*args, **kwargs))
            return self._runner.run(self._within_a_loop(method, *args, **kwargs))

        return call

    async def _within_a_loop(self, method: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        made = method(*args, **kwargs)
        if inspect.isasyncgen(made):
            return [item async for item in made]
        return self._known(await made if inspect.isawaitable(made) else made)

    def _known(self, made: Any) -> Any:
        if inspect.isgenerator(made):
            return list(made)
        return Driven(made, self._runner) if type(made).__name__.endswith(("Client", "Buffer")) else made

    def __enter__(self) -> Any:
        self._driven.__enter__() if self._runner is None else self._runner.run(self._driven.__aenter__())
        return self

    def __exit__(self, *raised: Any) -> None:
        if self._runner is None:
            self._driven.__exit__(*raised)
        else:
            self._runner.run(self._driven.__aexit__(*raised))


@pytest.fixture(params=["threads", "event loop"])
def connect(request: pytest.FixtureRequest) -> Iterator[Drive]:
    """Make a client of either kind; all are closed in the end."""
    made: list[Driven] = []
    with asyncio.Runner() as runner:
        is_async = request.param == "event loop"

        def connected(url: str, **options: Any) -> Driven:
            options.setdefault("timeout_s", 280.0)  # the first list of a machine waits for a compiler
            client = AsyncClient(url, **options) if is_async else Client(url, **options)
            made.append(Driven(client, runner if is_async else None))
            return made[-1]

        yield connected
        for client in made:
            client.close()


class Recommender(NamedTuple):
    """An app over parts in memory, and where it is served."""

    parts: Server
    url: str


@contextmanager
def recommender_under(folder: Path, root_path: str = "", *, keys: bool = False) -> Iterator[Recommender]:
    made = Server(folder / "keys")
    rules = Rules(
        max_body_bytes=MAX_BODY_BYTES, keys=ApiKeys(made.key_file) if keys else None, root_path=root_path
    )
    with serving(create_app(made.parts, rules)) as running:
        yield Recommender(made, running.url + root_path)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recommender]:
    with recommender_under(tmp_path_factory.mktemp("open")) as recommender:
        yield recommender


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Recommender]:
    with recommender_under(tmp_path_factory.mktemp("guarded"), "/rec", keys=True) as recommender:
        yield recommender
