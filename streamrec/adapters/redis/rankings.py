"""Rankings in portions, as they are written to Redis."""

from collections.abc import Iterator, Mapping, Sequence

from streamrec.ports import RankedItem

_ITEMS_AT_ONCE = 20_000
"""In one transaction, some 700 KB: what waits in memory on both sides."""

Ranking = Sequence[RankedItem]


def chunks(rankings: Mapping[str, Ranking]) -> Iterator[dict[str, Ranking]]:
    """Yield rankings in portions of one transaction each; a large one has a portion of its own."""
    chunk: dict[str, Ranking] = {}
    n_items = 0
    for name, ranking in rankings.items():
        if chunk and n_items + len(ranking) > _ITEMS_AT_ONCE:
            yield chunk
            chunk, n_items = {}, 0
        chunk[name] = ranking
        n_items += len(ranking)
    if chunk:
        yield chunk
