"""The learned blend beside fixed ones: 200 random weight vectors, searched on the questions it was asked.

Every fixed vector ranks the very candidates that the served list was made of, by the weighted sum of the
sources' reciprocal ranks; the best of them is chosen knowing all answers, which the blend never does.
The log keeps all vectors.
"""

from pathlib import Path
from typing import Annotated, Any, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks import results_file
from streamrec.datasets.named import ML_100K
from streamrec.datasets.open_dataset import open_dataset
from streamrec.domain.ranking.candidates import Candidates
from streamrec.domain.ranking.prequential import Events, Rows
from streamrec.domain.sources.table import COLUMNS
from streamrec.evaluation.models import Model
from streamrec.evaluation.prequential import run
from streamrec.evaluation.protocol import Protocol
from streamrec.evaluation.served import ServedModel

N_VECTORS = 200

K = 10


class Question(NamedTuple):
    """Candidates that a list was chosen from.

    Attributes
    ----------
    ranks
        (N, S) reciprocal ranks of N candidates by S sources.
    row
        Of the target among them, -1 when no source proposed it.
    is_hit
        Whether the served list had it among the first `K`.
    """

    ranks: NDArray[np.float16]
    row: int
    is_hit: bool


class RecordedModel:
    """The served model; it keeps what each of its answers was made of."""

    def __init__(self, history: Events, protocol: Protocol) -> None:
        self.questions: list[Question] = []
        self._served = ServedModel(history, protocol)
        self._answer: Rows | None = None

    def best(self, user_row: int, k: int, at: float) -> Rows:
        """Return the served list."""
        self._answer = self._served.best(user_row, k, at)
        return self._answer

    def learn(self, events: Events) -> None:
        """Learn one event, which tells what was chosen after the last answer."""
        candidates = self._served.answered_from
        if self._answer is not None and candidates is not None:
            target = int(events.item_rows[0])
            row = self._served.row_answered_from(target)
            self.keep(candidates, row, is_hit=target in self._answer[:K])
        self._answer = None
        self._served.learn(events)

    def keep(self, candidates: Candidates, row: int, *, is_hit: bool) -> None:
        """Keep a question: what its list was chosen from, the target's row there, whether the list had it."""
        ranks = candidates.features[:, : candidates.n_sources].astype(np.float16)
        self.questions.append(Question(ranks, row, is_hit))


def recalls(questions: list[Question], weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return (V,) the recall of each of (V, S) weight vectors; ties count against it."""
    n_hits = np.zeros(len(weights))
    for question in questions:
        if question.row >= 0:
            scores = question.ranks.astype(np.float64) @ weights.T
            n_hits += (scores >= scores[question.row]).sum(axis=0) <= K
    return n_hits / max(1, len(questions))


def main(
    json: Annotated[Path | None, typer.Option(help="Write the log to this file.")] = None,
    events: Annotated[str, typer.Option(help="A data set's name, or a file.")] = ML_100K,
    limit: Annotated[int, typer.Option(min=1, help="Only the first n events.")] = 20_000,
    stride: Annotated[int, typer.Option(min=1, help="Search on every n-th event.")] = 1,
) -> None:
    """Search the best fixed weights for a stream, and compare."""
    recorded: list[RecordedModel] = []

    def fitted(history: Events, protocol: Protocol) -> RecordedModel:
        recorded.append(RecordedModel(history, protocol))
        return recorded[0]

    event_set = open_dataset(events)[:limit]
    protocol = Protocol(stride=stride, catalog=event_set.catalog)
    run(event_set, {"served": Model(fitted, has_chance=True)}, protocol)
    found = searched(recorded[0].questions)
    for name in ("n_questions", "learned", "equal_weights", "best_fixed", "learned_over_best_fixed"):
        print(f"{name:24} {found[name]:.4f}")
    print("best weights            ", {name: round(w, 2) for name, w in found["best_weights"].items()})
    results_file.write(json, found)


def searched(questions: list[Question]) -> dict[str, Any]:
    """Return what the learned blend, equal weights and the best fixed weights reach, and the log of all."""
    random = np.random.default_rng(0)
    n_sources = len(COLUMNS)
    # Half of them evenly spread, half near the corners: where a few sources have all the weight.
    spread = random.dirichlet(np.ones(n_sources), N_VECTORS // 2)
    corners = random.dirichlet(np.full(n_sources, 0.3), N_VECTORS - len(spread))
    weights = np.vstack([np.full(n_sources, 1 / n_sources), np.eye(n_sources), spread, corners])
    of_vectors = recalls(questions, weights)
    best = int(of_vectors.argmax())
    learned = float(np.mean([question.is_hit for question in questions]))
    return {
        "n_questions": len(questions),
        "learned": learned,
        "equal_weights": float(of_vectors[0]),
        "best_fixed": float(of_vectors[best]),
        "learned_over_best_fixed": learned / max(float(of_vectors[best]), 1e-9),
        "best_weights": dict(zip(COLUMNS, weights[best].tolist(), strict=True)),
        "log": [
            {"weights": vector.tolist(), "recall_at_10": recall}
            for vector, recall in zip(weights, of_vectors.tolist(), strict=True)
        ],
    }


if __name__ == "__main__":
    typer.run(main)
