"""Items that everybody chooses, by windows of time."""

from functools import partial
from itertools import islice

from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.sources.findings import Findings
from streamrec.domain.sources.source import Label, Need, Source

WINDOWS = ("all", "week", "day", "hour", "recent")
"""Of popularity, as the trainer names its rankings."""


def propose(window: str, found: Findings, n: int) -> Proposal[str]:
    """Return the window's best."""
    banned, only = found.context.banned, found.context.only
    # Lazily: of a long ranking the first few hold as many as are wanted.
    wanted = (
        item
        for item in found.rankings.get(window, ())
        if item[0] not in banned and (not only or item[0] in only)
    )
    best = list(islice(wanted, n))
    return Proposal([item[0] for item in best], [item[1] for item in best])


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
