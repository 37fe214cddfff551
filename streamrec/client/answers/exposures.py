"""Journey of items that were shown, and traits of the last lists."""

import msgspec


class JourneyRow(msgspec.Struct, frozen=True):
    """Items of one source that were shown to users of one segment, that were chosen then, and bought."""

    segment: str
    source: str
    shown: int
    chosen: int
    bought: int


class ListTraits(msgspec.Struct, frozen=True):
    """Traits of the last lists of a server, of the first ten items of each; None where they are not known."""

    n_lists: int
    since: float | None
    coverage: float | None
    diversity: float | None
    popularity_bias: float | None
    novelty: float | None


class JourneyAnswer(msgspec.Struct, frozen=True):
    """Journey since a moment in Unix seconds, and traits of the last lists."""

    since: int
    journey: list[JourneyRow]
    lists: ListTraits
