"""State of the service: its figures, and whether it can answer."""

from typing import Any

import falcon.asgi
import msgspec

from faiss_server.generations import Followed, Generation, Generations
from faiss_server.kinds import ITEMS, USERS, Kind

_json = msgspec.json.Encoder()


class StatsResource:
    """`GET /v1/stats`: the current generation's figures, and those of the others that are served.

    `users` holds the same of the index of users, null where none is kept.
    """

    def __init__(self, generations: Generations) -> None:
        self._generations = generations

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer also before a generation is loaded: somebody wants to know why."""
        served = [_stats_of(generation) for generation in self._generations.served]
        current = served[0] if served else {"generation": None}
        challenger = self._generations.challenger
        loading = {
            "challenger": challenger.name if challenger is not None else None,
            "n_refused_snapshots": self._generations.n_refused,
            "loading_problem": self._generations.problem,
        }
        resp.data = _json.encode({**current, "previous": served[1:], **loading})


class ReadyResource:
    """`GET /health/ready`: searches are answered, from all that the logs held at the start."""

    def __init__(self, generations: Generations) -> None:
        self._generations = generations

    async def on_get(self, req: falcon.asgi.Request, resp: falcon.asgi.Response) -> None:
        """Answer 503 with the reason until then."""
        resp.data = _json.encode({"status": "ready", "generation": self._generations.get().name})


def _stats_of(generation: Generation) -> dict[str, Any]:
    figures = {kind: _figures_of(kind, part) for kind, part in generation.parts.items()}
    return {"generation": generation.name, **figures[ITEMS], "users": figures.get(USERS)}


def _figures_of(kind: Kind, part: Followed) -> dict[str, Any]:
    """Return the figures of an index, which tell its number of vectors as one of items or users."""
    of_index = msgspec.structs.asdict(part.index.stats())
    followed = part.follower.stats() if part.follower is not None else None
    return {
        **{kind.number if name == "n_vectors" else name: figure for name, figure in of_index.items()},
        **(msgspec.structs.asdict(followed) if followed is not None else {}),
    }
