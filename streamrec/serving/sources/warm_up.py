"""Loading of what lists are made with, before the first request."""

import numpy as np

from streamrec.domain.explaining.without import Without
from streamrec.domain.items.category_table import CategoryTable, Glance
from streamrec.domain.popularity.ranked_item import RankedItem, Ranking
from streamrec.domain.ranking.candidates import Candidates, Proposal
from streamrec.domain.ranking.diversity import Pool, Shape, arranged
from streamrec.domain.rows.item_numbers import ItemNumbers
from streamrec.domain.similarity.neighbour import SIMILARITY, Neighbours
from streamrec.domain.sources.findings import Findings, Nearest
from streamrec.domain.sources.popular import WINDOWS
from streamrec.domain.sources.request_context import RequestContext
from streamrec.domain.sources.table import COLUMNS, SOURCES, first_blend
from streamrec.serving.shape import embeddings_of


def warm_up() -> None:
    """Rank two items, so that no answer waits for compiled functions: half a second where they are kept."""
    items, one, other = ItemNumbers(), *map(bytes, np.eye(2, 3, dtype="<f4"))
    context = RequestContext(
        bytes(8), "", recent=("chosen",), recent_at=(0.0,), n_events=1, item_id="chosen", is_new_only=False
    )
    near = Neighbours(["other"], [0.5], [1.0], [0.5], ["other"], [1]).near(items)
    ranked = Ranking([RankedItem("other", 1.0)]).by_number(items)
    nearest = Nearest(Proposal(items.of(["other"]), np.ones(1), is_logit=True), "")
    glance = Glance(CategoryTable())
    found = Findings(context, items, nearest, {"chosen": near}, dict.fromkeys(WINDOWS, ranked), glance)
    proposals = {source.name: source.propose(found, 1) for source in SOURCES}
    candidates = Candidates(COLUMNS, proposals, found.asker, items, found.in_context)
    ranker = first_blend()
    ranker.probabilities(candidates)
    ranker.main_sources(candidates, [0])
    candidates.row_of(0)
    found.added_by_history(["other"], SIMILARITY)
    Without(found, candidates.proposals, SOURCES, 1, items.of(["other"])).imagined("chosen")
    arranged(Pool([2.0, 1.0], embeddings_of([one, other]), [(), ()]), 2, Shape(diversity=0.5))
