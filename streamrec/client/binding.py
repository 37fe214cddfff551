"""Turns a function that returns a call into a method with the same parameters that sends it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from inspect import Parameter, signature
from operator import attrgetter
from typing import Any, Generic, NamedTuple, ParamSpec, Protocol, TypeVar, cast, get_args

from streamrec.client.answers.items import Item, ItemsAnswer
from streamrec.client.answers.lists import Recommendations, RecommendedItem
from streamrec.client.answers.users import UserIds
from streamrec.client.call import Call

P = ParamSpec("P")
T = TypeVar("T")
A = TypeVar("A")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)


class Sender(Protocol):
    """A client for threads."""

    def send(self, call: Call[T]) -> T:
        """Return the answer to a call."""


class AsyncSender(Protocol):
    """A client for an event loop."""

    async def send(self, call: Call[T]) -> T:
        """Return the answer to a call."""


class Method(Protocol[P, R_co]):
    """A method, to type checkers: its parameters are those of the function that it was made of."""

    def __get__(self, client: object, owner: type | None = None, /) -> Callable[P, R_co]:
        """Return the method of a client."""


def sends(build: Callable[P, Call[T]]) -> Method[P, T]:
    """Return a method that sends the call and returns the answer."""

    def send(client: Sender, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  # typed by `Method`
        return client.send(build(*args, **kwargs))

    made: Method[P, T] = _like(build, send, _answer_of(build))
    return made


def awaits(build: Callable[P, Call[T]]) -> Method[P, Awaitable[T]]:
    """Return a method that sends the call and, awaited, returns the answer."""

    async def send(client: AsyncSender, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        return await client.send(build(*args, **kwargs))

    made: Method[P, Awaitable[T]] = _like(build, send, _awaitable(_answer_of(build)))
    return made


class Pages(NamedTuple, Generic[A, R]):
    """Pages of answers that follow one another.

    Attributes
    ----------
    record
        Type of what a page holds.
    records
        Returns what a page holds.
    next_place
        Returns where the next page begins; None: there is none.
    parameter
        Names that place in the request.
    """

    record: type[R]
    records: Callable[[A], Iterable[R]]
    next_place: Callable[[A], str | None]
    parameter: str


LISTED = Pages[Recommendations, RecommendedItem](
    RecommendedItem, attrgetter("items"), attrgetter("next_cursor"), "cursor"
)
ITEMS = Pages[ItemsAnswer, Item](Item, attrgetter("items"), attrgetter("next_after"), "after")
USERS = Pages[UserIds, str](str, attrgetter("user_ids"), attrgetter("next_after"), "after")


def iterates(build: Callable[P, Call[A]], pages: Pages[A, R]) -> Method[P, Iterator[R]]:
    """Return a method that yields the records of all pages, and asks for each when it is needed."""

    def each(client: Sender, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        call: Call[A] | None = build(*args, **kwargs)
        while call is not None:
            page = client.send(call)
            yield from pages.records(page)
            call = _next(call, page, pages)

    made: Method[P, Iterator[R]] = _like(build, each, Iterator[pages.record])  # type: ignore[name-defined]
    return made


def iterates_async(build: Callable[P, Call[A]], pages: Pages[A, R]) -> Method[P, AsyncIterator[R]]:
    """Return a method that yields the records of all pages to ``async for``."""

    async def each(client: AsyncSender, /, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        call: Call[A] | None = build(*args, **kwargs)
        while call is not None:
            page = await client.send(call)
            for record in pages.records(page):
                yield record
            call = _next(call, page, pages)

    made: Method[P, AsyncIterator[R]] = _like(
        build,
        each,
        AsyncIterator[pages.record],  # type: ignore[name-defined]
    )
    return made


def _next(call: Call[A], page: A, pages: Pages[A, R]) -> Call[A] | None:
    place = pages.next_place(page)
    return call.at(pages.parameter, place) if place else None


def _answer_of(build: Callable[..., object]) -> Any:  # noqa: ANN401 (a type form)
    return get_args(signature(build).return_annotation)[0]


def _awaitable(answer: Any) -> object:  # noqa: ANN401
    return Awaitable[answer]


def _like(build: Callable[..., object], method: Callable[..., object], returned: object) -> Any:  # noqa: ANN401
    """Return the method with the name, the description and the parameters of the function."""
    made = cast("Any", method)
    made.__name__, made.__qualname__ = build.__name__, build.__name__
    made.__doc__ = build.__doc__
    told = signature(build)
    parameters = [Parameter("self", Parameter.POSITIONAL_ONLY), *told.parameters.values()]
    made.__signature__ = told.replace(parameters=parameters, return_annotation=returned)
    return made
