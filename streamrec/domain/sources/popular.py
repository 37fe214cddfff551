"""Items that everybody chooses, by windows of time."""

from functools import partial

from streamrec.domain.popularity.ranked_item import NOTHING_RANKED
from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.sources.findings import Findings
from streamrec.domain.sources.source import Label, Need, Source, first_wanted

WINDOWS = ("all", "week", "day", "hour", "recent")
"""Of popularity, as the trainer names its rankings."""


def propose(window: str, found: Findings, n: int) -> Proposal:
    """Return the window's best."""
    return first_wanted(found, found.rankings.get(window, NOTHING_RANKED), n)


POPULAR = tuple(
    Source(
        name=f"popular_{window}",
        needs=(Need("rankings", window),),
        propose=partial(propose, window),
        label=Label("popular", "is what everybody chooses", is_personal=False, is_by_items=False),
        kind="popular",
        is_within_categories=True,
    )
    for window in WINDOWS
)
