"""Answers about similar items."""

from typing import Any

import msgspec

from streamrec.domain.sources.table import SimilarityKind, SourceName


class SimilarItem(msgspec.Struct, frozen=True, omit_defaults=True):
    """An item similar to another, its main source, and its metadata.

    Attributes
    ----------
    score
        By vector: the inner product, without what popularity adds. By co-visitation: the shrunk cosine of the
        counts. By day: the count. By the blend: how probably, of all candidates, it is the one chosen next.
    support
        How often both were chosen together: by day the users and days that have both, by co-visitation and
        the blend the faded count of pairs; null by vector, and where there is no such pair.
    """

    item_id: str
    score: float
    source: SourceName
    support: float | None
    kind: str | None = None
    title: str | None = None
    categories: tuple[str, ...] = ()
    attributes: dict[str, Any] = {}


class SimilarItems(msgspec.Struct, frozen=True):
    """Items similar to one, in the order asked for.

    Attributes
    ----------
    by
        Kind of similarity.
    generation
        Of the model whose vectors had a part in it; null when none had.
    degraded
        A part did not answer in time: this is the best of what still works.
    warnings
        What in the request fits no item, and what an answer to it may lack.
    """

    item_id: str
    by: SimilarityKind
    items: list[SimilarItem]
    generation: str | None
    degraded: bool
    warnings: list[str] = []
