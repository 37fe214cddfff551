"""Feeds: rankings for everybody that are asked for by name, and that no blend weighs."""

from functools import partial
from typing import Literal

from streamrec.domain.sources.popular import POPULAR, propose
from streamrec.domain.sources.source import Label, Need, Source

TRENDING, LATEST = "trending", "latest"
"""Names of the rankings, as the trainer publishes them."""

WindowName = Literal["all", "week", "day", "hour", "recent"]
"""Windows of popularity, as requests name them: those of `popular.WINDOWS`."""

POPULAR_WINDOW: WindowName = "week"
"""Of what is popular where none is named: in a replay at 500 times life it shows the same for minutes."""

LABELS_OF_FEEDS = (
    Label(TRENDING, "is chosen more and more", is_personal=False, is_by_items=False),
    Label(LATEST, "is among the newest", is_personal=False, is_by_items=False),
)

RANKED = tuple(
    Source(
        name=label.name,
        needs=(Need("rankings", label.name),),
        propose=partial(propose, label.name),
        label=label,
        is_blended=False,
        is_within_categories=True,
    )
    for label in LABELS_OF_FEEDS
)

FEED_SOURCES = {source.name: source for source in (*POPULAR, *RANKED)}
"""By name."""


def popular_feed(window: str) -> tuple[str, ...]:
    """Return the sources of what is popular, that of a window first: the others fill up what it leaves open.

    >>> popular_feed("day")
    ('popular_day', 'popular_all', 'popular_week', 'popular_hour', 'popular_recent')
    """
    first = f"popular_{window}"
    return tuple(sorted((source.name for source in POPULAR), key=lambda name: name != first))
