"""Every error that streamrec raises on purpose.

::

    StreamrecError
    |-- InvalidInput                what a caller or a record brought does not fit; never retry
    |   |-- InvalidEvent            a record that goes to `interactions.rejected`
    |   |-- InvalidDataset          a file of events that can't be read as mapped
    |   |-- RefusedBody             a service can't take what stands in a request; without it, perhaps
    |   `-- RefusedGeneration       a new generation is not fit to take the live one's place
    |-- Conflict                    it was changed meanwhile, or is in use: read it again and decide anew
    |-- UnknownId                   no such user, item or generation; never retry
    |-- Unsupported                 a model that does not answer such questions; ask another kind of model
    |-- ConfigurationError          a setting is wrong or missing; a person must act
    |-- CorruptArtifact             a snapshot or checkpoint fails its checksums or its format
    |-- UnsoundModel                rows of a model are not finite, or beyond their bound
    |-- Damaged                     a record, a document or an answer can't be read; others beside it can
    |-- LogTruncated                the log ends before the checkpoint's offset; a person must act
    |-- LeaseLost                   another trainer holds the lease; stop writing at once
    `-- Unavailable                 a store, log or index does not answer; retry with growing pauses
        `-- Overloaded              it answers, but takes no more now; retry after `retry_after_s`

`retriable` says whether the same call can succeed later, so a loop that catches needs no table.
"""

from typing import ClassVar


class StreamrecError(Exception):
    """Base of all errors raised on purpose."""

    retriable: ClassVar[bool] = False


class InvalidInput(StreamrecError):
    """Input of a caller, or a record, that does not fit its contract."""


class InvalidEvent(InvalidInput):
    """A record on the interactions topic that can't be read as an event.

    Attributes
    ----------
    reason
        One of a small fixed set of words, fit for a metric's name, for example ``"not_json"``.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class InvalidDataset(InvalidInput):
    """A file of events that can't be read as its column mapping says."""


class RefusedBody(InvalidInput):
    """A service refuses what a request holds: a smaller one, or another one, it may take.

    Attributes
    ----------
    detail
        The service's own words.
    """

    def __init__(self, message: str, detail: str) -> None:
        super().__init__(message)
        self.detail = detail


class RefusedGeneration(InvalidInput):
    """A new generation was made of far less than the live one knows, or ranks worse: nothing is published."""


class Conflict(StreamrecError):
    """A change of something that somebody else changed meanwhile, or that is in use."""


class UnknownId(StreamrecError):
    """No such user, item or generation."""


class Unsupported(StreamrecError):
    """A model that does not answer such questions; another kind of model does."""


class ConfigurationError(StreamrecError):
    """A setting is wrong or missing; the message says which, and how to mend it."""


class CorruptArtifact(StreamrecError):
    """A snapshot or checkpoint that fails its checksums or its format version."""


class Damaged(StreamrecError):
    """Bytes of another process, or of a store, that can't be read as what they should be.

    A repeat reads the same again, until somebody writes them anew.

    Attributes
    ----------
    fits_format
        Whether they are of the right format (JSON, MessagePack), and only hold something else than wanted.
    rest
        The part of the answer that could be read, in the type of the whole; None when there is none.
    """

    def __init__(self, message: str, *, fits_format: bool = False, rest: object = None) -> None:
        super().__init__(message)
        self.fits_format = fits_format
        self.rest = rest


class UnfitState(StreamrecError):
    """A stored part of a state is of another shape or meaning than this version and its settings have."""


class UnsoundModel(StreamrecError):
    """Rows of a model are not finite, or beyond the bound that learning keeps them within."""


class LogTruncated(StreamrecError):
    """The log ends before the offset that the checkpoint wants to go on from."""


class LeaseLost(StreamrecError):
    """Another trainer holds the lease: whoever sees this must stop writing at once."""


class Unavailable(StreamrecError):
    """A store, log or index does not answer."""

    retriable: ClassVar[bool] = True


class Overloaded(Unavailable):
    """The other side answers, but takes no more for now.

    Attributes
    ----------
    retry_after_s
        Seconds to wait before the next try.
    """

    def __init__(self, message: str, retry_after_s: float) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
