"""Report of the active trainer: who it is, and what it could not take."""

import msgspec

from streamrec.payload import decoded


class RejectedReason(msgspec.Struct, frozen=True, gc=False):
    """Records that were rejected for one reason, since the trainer's process began.

    Attributes
    ----------
    message
        What was wrong with the last of them; empty where it might tell of somebody who was erased since.
    last_at
        When it was met, in Unix seconds.
    """

    reason: str
    n: int
    message: str
    last_at: float


class TrainerReport(msgspec.Struct, frozen=True):
    """State of the active trainer beside its figures.

    Attributes
    ----------
    published_at
        Unix seconds: whoever reads it much later knows that the trainer is silent.
    generation
        That it trains.
    started_at
        Unix seconds when it took over.
    rejected
        Those of which there were most first.
    """

    published_at: float
    generation: str
    started_at: float
    rejected: list[RejectedReason]


_decode = msgspec.json.Decoder(TrainerReport).decode

encode_report = msgspec.json.Encoder().encode


def decode_report(written: bytes) -> TrainerReport:
    """Read a report.

    Raises
    ------
    Damaged
        When it is none.
    """
    return decoded(_decode, written)
