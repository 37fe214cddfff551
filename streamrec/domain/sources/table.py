"""All candidate sources, and what follows from their declarations: a new source is one more line here."""

from typing import TYPE_CHECKING, Annotated, Literal

from msgspec import Meta

from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.sources.again import AGAIN
from streamrec.domain.sources.cohorts import COHORTS
from streamrec.domain.sources.covisitation import COVISITATION, supports
from streamrec.domain.sources.feeds import LABELS_OF_FEEDS
from streamrec.domain.sources.followers import FOLLOWERS
from streamrec.domain.sources.gmf import GMF
from streamrec.domain.sources.popular import POPULAR
from streamrec.domain.sources.same_day import SAME_DAY
from streamrec.domain.sources.source import Label, Similarity, Source

SOURCES: tuple[Source, ...] = (
    GMF,
    COVISITATION,
    FOLLOWERS,
    *POPULAR,
    AGAIN,
    SAME_DAY,
    COHORTS,
)
"""Blended ones stand in the order of the blend's columns, in checkpoints too: a new one comes last."""

NEW = Label("new", "is new, and not known well yet", is_personal=False, is_by_items=False)
"""Put into a list so that something can be learned of it."""

LISTED = Label("listed", "is what you asked for", is_personal=False, is_by_items=False)
"""Named in the request, and proposed by no source."""

BATCH = Label("batch", "is on the list made for you beforehand", is_personal=True, is_by_items=False)
"""Of a model that does not learn while it serves."""

SOURCE_OF = {source.name: source for source in SOURCES}

BLENDED = tuple(source for source in SOURCES if source.is_blended)

_PLAIN = tuple(source for source in BLENDED if not source.is_extra)

COLUMNS = tuple(source.name for source in _PLAIN)
"""Names of those that a blend weighs for everybody."""

EXTRA = tuple(source.name for source in BLENDED if source.is_extra)
"""Names of those that it weighs for whoever they have something for."""

LABELS = {
    label.name: label
    for label in (
        *(label for source in SOURCES for label in source.labels),
        NEW,
        LISTED,
        BATCH,
        *LABELS_OF_FEEDS,
    )
}

SIMILAR_BY = {source.similarity.name: source for source in SOURCES if source.similarity is not None}
"""Source by the kind of similarity that it alone knows."""

BLEND = Similarity("blend", "by all that speaks to an unknown user who looks at the item", supports)

SIMILARITIES = {
    similarity.name: similarity
    for similarity in (*(source.similarity for source in SOURCES), BLEND)
    if similarity is not None
}
"""Every kind of similarity, by name."""

_WORDS = "; ".join(f"`{label.name}`: it {label.words}" for label in LABELS.values())

# Types that requests and answers are checked by at run time; type checkers read no computed literal.
if TYPE_CHECKING:
    SourceName = str
    SimilarityKind = str
else:
    SourceName = Annotated[Literal[tuple(LABELS)], Meta(description=f"Why the item is there. {_WORDS}.")]
    SimilarityKind = Literal[tuple(SIMILARITIES)]


def first_blend(seed: int = 0) -> BlendRanker:
    """Return a blend of all sources that has learned nothing."""
    return BlendRanker(COLUMNS, seed, kinds=[source.kind or source.name for source in _PLAIN], extra=EXTRA)
