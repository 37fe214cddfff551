"""Items that everybody chooses, by windows of time."""

from functools import partial

from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.sources.findings import Findings
from streamrec.domain.sources.source import Label, Need, Source

WINDOWS = ("all", "week", "day", "hour", "recent")
"""Of popularity, as the trainer names its rankings."""

_SPARE = 20
"""Items looked at first beyond those wanted, in place of banned ones."""


def propose(window: str, found: Findings, n: int) -> Proposal[str]:
    """Return the window's best."""
    banned, only = found.context.banned, found.context.only
    ranking = found.rankings.get(window, ())
    # Mostly the first few hold as many as are wanted; who has seen much has a long ranking read for them.
    for n_looked_at in (n + _SPARE, len(ranking)):
        head = ranking[:n_looked_at]
        wanted = [item for item in head if item[0] not in banned and (not only or item[0] in only)]
        if len(wanted) >= n:
            break
    return Proposal([item[0] for item in wanted[:n]], [item[1] for item in wanted[:n]])


POPULAR = tuple(
    Source(
        name=f"popular_{window}",
        needs=(Need("rankings", window),),
        propose=partial(propose, window),
        label=Label("popular", "is what everybody chooses", is_personal=False),
        kind="popular",
        is_within_categories=True,
    )
    for window in WINDOWS
)
