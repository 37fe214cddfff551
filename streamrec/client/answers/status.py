"""State of the recommender and of the trainer, and what was accepted."""

import msgspec


class EventsAccepted(msgspec.Struct, frozen=True):
    """The events are durable; the trainer reads them next."""

    accepted: int


class RejectedReason(msgspec.Struct, frozen=True):
    """Records that the trainer rejected for one reason; `message`: what was wrong with the last."""

    reason: str
    n: int
    message: str
    last_at: float


class TrainerStatus(msgspec.Struct, frozen=True):
    """State of the active trainer, `age_s` seconds ago; `numbers`: counters and gauges by name."""

    generation: str
    started_at: float
    published_at: float
    age_s: float
    numbers: dict[str, float]
    rejected: list[RejectedReason]


class StatusAnswer(msgspec.Struct, frozen=True):
    """State of the whole; `may_change`: whether this client's key may change items and erase users."""

    now: float
    status: str
    parts: dict[str, str]
    may_change: bool
    trainer: TrainerStatus | None


class SeriesAnswer(msgspec.Struct, frozen=True):
    """Figures of the trainer over time, by column; `at`: when each point begins, in Unix seconds."""

    interval_s: int
    now: float
    at: list[int]
    series: dict[str, list[float | None]]


class Health(msgspec.Struct, frozen=True):
    """State of the server, and of the parts it rests on: ``ok``, or what is wrong with each."""

    status: str
    parts: dict[str, str] = {}

    @property
    def is_ready(self) -> bool:
        """Whether every part has answered once."""
        return self.status != "not ready"
