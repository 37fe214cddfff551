"""Rankings in portions, as they are written to Redis."""

from collections.abc import Iterator, Mapping, Sequence

from streamrec.ports import RankedItem

_MEMBERS_AT_ONCE = 1000
"""In one transaction: some 3 ms, during which Redis answers nobody else."""

Ranking = Sequence[RankedItem]


def chunks(rankings: Mapping[str, Ranking]) -> Iterator[dict[str, Ranking]]:
    """Yield rankings in portions of one transaction each; a large one has a portion of its own."""
    chunk: dict[str, Ranking] = {}
    n_members = 0
    for name, ranking in rankings.items():
        if chunk and n_members + len(ranking) > _MEMBERS_AT_ONCE:
            yield chunk
            chunk, n_members = {}, 0
        chunk[name] = ranking
        n_members += len(ranking)
    if chunk:
        yield chunk
