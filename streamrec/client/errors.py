"""Every error of the client, with what to do about it.

::

    RecommenderError
    |-- InvalidRequest          400, 413, 415, 422: change what is asked or sent; never repeated
    |   `-- Unsendable          no request can be made of it: an empty id, an event without a user
    |-- Unauthorized            401: the key is missing or unknown
    |-- Forbidden               403: the key may not change items and users
    |-- NotFound                404: there is no such user, item or route
    |-- Conflict                409: it was changed meanwhile, or is in use; read it again
    |-- Unavailable             429, 502, 503, 504: a part does not answer, or takes no more now; later
    |-- ServerFailed            any other 5xx: a fault of the server, whose log says which
    |-- NotReached              nobody answers at the address, or the connection broke off
    |-- TimedOut                no answer within the time for it
    |-- UnexpectedAnswer        an answer that is none of a recommender of this version
    |-- EventsRejected          the recommender refused events that a buffer held
    `-- NotDelivered            a buffer could not deliver events; the error holds them
        `-- BufferFull          it holds as many as it may: this event was not taken
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from streamrec.client.calls.events import Event


class RecommenderError(Exception):
    """Base of all errors of the client.

    Attributes
    ----------
    status
        Of the answer; None where there was none.
    title, detail
        As the recommender's problem details (RFC 9457) tell them.
    request_id
        Names the request in the recommender's log.
    retry_after_s
        Seconds after which the recommender wants to be asked again.
    advice
        What to do about it.
    is_lasting
        Whether the same request will fail again until somebody changes something.
    """

    advice: ClassVar[str] = ""
    is_lasting: ClassVar[bool] = False

    def __init__(
        self,
        detail: str,
        *,
        status: int | None = None,
        title: str = "",
        request_id: str | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        self.status, self.title, self.detail = status, title, detail
        self.request_id, self.retry_after_s = request_id, retry_after_s
        super().__init__(detail)

    def __str__(self) -> str:
        told = f"{self.status} {self.title}".strip() if self.status else ""
        words = ": ".join(part for part in (told, self.detail) if part)
        named = f" (request {self.request_id})" if self.request_id else ""
        return f"{words}{named}; {self.advice}" if self.advice else f"{words}{named}"


class InvalidRequest(RecommenderError):
    """The recommender can't do what was asked, as it was asked."""

    advice = "change the request as it says"
    is_lasting = True


class Unsendable(InvalidRequest, ValueError):
    """Something of which no request can be made; none was sent."""


class Unauthorized(RecommenderError):
    """The key is missing or unknown."""

    advice = "give the client an api_key that stands in the server's file of keys"
    is_lasting = True


class Forbidden(RecommenderError):
    """The key may not change items and users."""

    advice = "use a key of the server's file of admin keys"
    is_lasting = True


class NotFound(RecommenderError):
    """There is no such user or item, or the address leads to no recommender."""

    advice = "check the id, and that the client's URL has the server's root path"
    is_lasting = True


class Conflict(RecommenderError):
    """Somebody else changed it meanwhile, or it is in use."""

    advice = "read it again, and decide anew"
    is_lasting = True


class Unavailable(RecommenderError):
    """A part of the recommender does not answer, or it takes no more for now."""

    advice = "try again later; Client.status() tells which part is away"


class ServerFailed(RecommenderError):
    """The recommender failed in a way that it did not expect."""

    advice = "look for the request in the server's log"


class NotReached(RecommenderError):
    """Nobody answers at the address, or the connection broke off each time."""

    advice = "check the client's URL, and that a recommender runs there"


class TimedOut(RecommenderError):
    """The answer did not come within the time for it, with all repetitions."""

    advice = "ask for less, or give more time: Client(timeout_s=...), or client.within(...)"


class UnexpectedAnswer(RecommenderError):
    """The answer is none that a recommender of this version gives."""

    advice = "check that a recommender answers at the client's URL, and compare the versions"
    is_lasting = True


class EventsRejected(RecommenderError):
    """The recommender refused events that a buffer held; it took the others beside them.

    Attributes
    ----------
    rejected
        Each event, with what was wrong with it: of very many, the first.
    n_rejected
        How many they were.
    """

    advice = "mend these events, or give the buffer an on_rejected"
    is_lasting = True

    def __init__(self, rejected: "Sequence[tuple[Event, InvalidRequest]]", n_rejected: int) -> None:
        self.rejected, self.n_rejected = tuple(rejected), n_rejected
        _, first = self.rejected[0]
        super().__init__(f"{n_rejected:,} events were rejected, the first because: {first.detail}")


class NotDelivered(RecommenderError):
    """A buffer could not deliver events in time.

    Attributes
    ----------
    events
        They have ids: sent again, they count once, even where the recommender took them after all.
    """

    advice = "keep its events and send them later"

    def __init__(self, detail: str, events: "Sequence[Event]" = ()) -> None:
        self.events = tuple(events)
        super().__init__(detail)


class BufferFull(NotDelivered):
    """The buffer holds as many events as it may: this one was not taken."""

    advice = "put it in again later: events leave as soon as the recommender takes them"
