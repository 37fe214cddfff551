"""What may have been read for a request, as Hypothesis draws it."""

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from streamrec.domain.events.stream_time import StreamTime
from streamrec.domain.items.category_table import CategoryTable, Glance
from streamrec.domain.popularity.ranked_item import RankedNumbers
from streamrec.domain.popularity.recency import N_LAST
from streamrec.domain.ranking.candidates import Proposal
from streamrec.domain.ranking.scene import Array, visited
from streamrec.domain.rows.id_map import IdMap
from streamrec.domain.rows.item_numbers import ItemNumbers
from streamrec.domain.similarity.visits import NOBODY
from streamrec.domain.sources.findings import Findings, Nearest
from streamrec.domain.sources.popular import WINDOWS
from streamrec.domain.sources.request_context import RequestContext
from tests.builders import near

IDS = [f"i{n}" for n in range(30)]
ITEMS = ItemNumbers(IdMap(IDS))
_VECTOR = np.ones(3, "<f4").tobytes()

some_ids = st.lists(st.sampled_from(IDS), max_size=8)
_rankings = st.permutations(range(len(IDS))).map(
    lambda numbers: RankedNumbers(np.array(numbers), 20.0 - np.arange(len(numbers), dtype=np.float64))
)
_strengths = st.sampled_from([0.0, 0.1, 0.25, 0.5])
_neighbours = st.lists(
    st.tuples(st.sampled_from(IDS), _strengths, _strengths), max_size=8, unique_by=lambda one: one[0]
).map(lambda rows: near(*((id_, similar, 4.0, follows) for id_, similar, follows in rows)).near(ITEMS))


def glance() -> Glance:
    """Return a look at a table in which most items have categories and words."""
    table = CategoryTable()
    for row, item_id in enumerate(IDS[:-3]):
        table.put(item_id, ("abcdefgh"[row % 8], "xy"[row % 2]), words=range(row, row + 1 + row % 5))
    return Glance(table)


@st.composite
def findings(draw: st.DrawFn, histories: st.SearchStrategy[list[str]] = some_ids) -> Findings:
    """Draw findings of somebody, known or not, with a history or without one."""
    recent = draw(histories)
    knows_vector = draw(st.booleans())
    n_dated = draw(st.integers(0, len(recent)))
    context = RequestContext(
        vector=_VECTOR if knows_vector else None,
        generation="g1" if knows_vector else None,
        recent=recent,
        recent_at=[60.0 * place for place in range(len(recent))][len(recent) - n_dated :],
        time=StreamTime(60.0 * len(recent), 200.0),
        item_id=draw(st.sampled_from([None, *recent])),
        banned=frozenset(draw(some_ids)),
        is_new_only=draw(st.booleans()),
        only=frozenset(draw(some_ids)),
    )
    # The index leaves out by itself what the context bans.
    numbers = ITEMS.known([item_id for item_id in draw(st.permutations(IDS)) if context.wants(item_id)])
    nearest = Nearest(Proposal(numbers, 9.0 - np.arange(len(numbers), dtype=np.float64), is_logit=True), "g1")
    return Findings(
        context,
        ITEMS,
        draw(st.sampled_from([None, nearest])),
        draw(st.dictionaries(st.sampled_from(IDS), _neighbours)),
        draw(st.dictionaries(st.sampled_from(WINDOWS), _rankings)),
        draw(st.sampled_from([None, glance()])),
    )


def visited_of(similar: NDArray[np.float32], follows: NDArray[np.float32], worth: Array) -> Array:
    """Return the columns by neighbours of N candidates of these (20, N) similarities to the last items.

    Parameters
    ----------
    follows
        (N,) similarities to the newest by those who chose them afterwards.
    """
    n = len(follows)
    rows = [np.column_stack([np.arange(n), of_item, follows, np.zeros(n)]) for of_item in similar]
    near_rows = np.concatenate(rows).astype(np.float64)
    return visited(np.arange(n), near_rows, np.full(N_LAST, n), worth, NOBODY, np.zeros(n, np.int32))
