"""Effect of diversity on lists: how similar their items are, and what recall it costs.

Prequential (docs/reference/evaluation.md), by the objects that serve. Similarity within a list is the mean
cosine of the embeddings of all its pairs of items, as of the moment when it is answered (intra-list
similarity; Ziegler, McNee, Konstan, Lausen 2005, Improving recommendation lists through topic
diversification, section 3.2).
"""

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks import results_file
from benchmarks.quality.tables import put_between
from streamrec.datasets.named import ML_100K
from streamrec.datasets.open_dataset import open_dataset
from streamrec.domain.ranking.diversity import Shape, pool_size
from streamrec.domain.ranking.prequential import Events, Question, Questioning, predict_then_learn
from streamrec.domain.ranking.recommendation import RecommendationRequest, RecommendedItem
from streamrec.evaluation.prequential import columns
from streamrec.evaluation.protocol import Protocol
from streamrec.evaluation.served import ServedModel
from streamrec.learning.learner import use_one_thread
from streamrec.publishing.views import item_vectors
from streamrec.serving.shape import embeddings_of, shaped

K = 10

DIVERSITIES = (0.0, 0.1, 0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.7, 1.0)

PAGE = Path(__file__).parents[2] / "docs" / "quality.md"

MARKERS = ("<!-- diversity: begin -->", "<!-- diversity: end -->")

Files = Annotated[list[str] | None, typer.Option("--events", help="NAME=FILE, may be repeated.")]


def main(
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file.")] = None,
    events: Files = None,
    limit: Annotated[int, typer.Option(min=1, help="Only the first n events.")] = 30_000,
    stride: Annotated[int, typer.Option(min=1, help="Predict every n-th event; all are learned.")] = 5,
    page: Annotated[Path | None, typer.Option(help="The page that holds the table.")] = PAGE,
) -> None:
    """Measure similarity and recall at several diversities."""
    use_one_thread()
    figures: dict[str, Any] = {}
    for name, source in {ML_100K: ML_100K, **dict(file.split("=", 1) for file in events or ())}.items():
        figures[name] = measured(columns(open_dataset(source)[:limit]), stride)
        for diversity, of_lists in figures[name]["lists"].items():
            print(f"{name:16} {diversity:>4} {of_lists}", flush=True)
    results_file.write(json, figures)
    if page is not None:
        put_between(MARKERS, table_rows(figures), page)


class _ServedPools(ServedModel):
    """Served lists before they are diversified, and the vectors that this is done by."""

    def pool(self, user_row: int, at: float) -> list[RecommendedItem]:
        """Return the candidates that a list of `K` is chosen from."""
        answer = self._serving.recommend(RecommendationRequest(pool_size(K), str(user_row)), at)
        self._asked = user_row
        return answer.items

    def vectors(self, pool: list[RecommendedItem]) -> dict[str, bytes]:
        """Return the vectors of these, as the index would."""
        rows = self._state.item_ids.rows_of([item.item_id for item in pool])
        return dict(item_vectors(self._state, rows))


def measured(events: Events, stride: int) -> dict[str, Any]:
    """Return how similar the items of a list are and how many lists hold the next choice, by diversity."""
    start = round(len(events.user_rows) * Protocol().initial_share)
    hits: dict[float, list[bool]] = {diversity: [] for diversity in DIVERSITIES}
    similarities: dict[float, list[float]] = {diversity: [] for diversity in DIVERSITIES}
    model = _ServedPools(events.at(slice(0, start)), Protocol())
    for asked, batch in predict_then_learn(events, start, Questioning(stride)):
        for question in asked:
            for diversity, (is_hit, similarity) in _lists(model, question).items():
                hits[diversity].append(is_hit)
                similarities[diversity].append(similarity)
        model.learn(batch)
    return {
        "n_events": len(events.user_rows),
        "n_questions": len(hits[0.0]),
        "lists": {
            str(diversity): {
                "recall_at_10": float(np.mean(hits[diversity])),
                "likeness": float(np.mean(similarities[diversity])),
            }
            for diversity in DIVERSITIES
        },
    }


def _lists(model: _ServedPools, question: Question) -> dict[float, tuple[bool, float]]:
    """Return by diversity whether the list holds the target, and how similar its items are."""
    pool = model.pool(question.user_row, question.timestamp)
    vectors = model.vectors(pool)
    found = {}
    for diversity in DIVERSITIES:
        items = shaped(pool, K, Shape(diversity), vectors)
        is_hit = any(item.item_id == str(question.item_row) for item in items)
        found[diversity] = is_hit, mean_cosine(embeddings_of([vectors.get(item.item_id) for item in items]))
    return found


def mean_cosine(embeddings: NDArray[np.float32]) -> float:
    """Return the mean cosine of all pairs of (N, D) embeddings; 0 where there is no pair.

    >>> round(mean_cosine(np.array([[1, 0], [2, 0], [0, 1]], np.float32)), 3)
    0.333
    """
    if len(embeddings) < 2:  # noqa: PLR2004
        return 0.0
    directions = embeddings / np.maximum(np.linalg.norm(embeddings, axis=1, keepdims=True), 1e-30)
    cosines = directions @ directions.T
    return float(cosines[np.triu_indices(len(embeddings), 1)].mean())


def table_rows(figures: dict[str, Any]) -> list[str]:
    """Return the lines of a Markdown table: changes are against lists as they come."""
    rows = [
        "| data set (questions) | diversity | recall@10 | change | similarity | change |",
        "|" + "---|" * 6,
    ]
    for name, of_set in figures.items():
        plain = of_set["lists"]["0.0"]
        for diversity, of_lists in of_set["lists"].items():
            recall, similarity = of_lists["recall_at_10"], of_lists["likeness"]
            rows.append(
                f"| {name} ({of_set['n_questions']:,}) | {diversity} | {recall:.4f} "
                f"| {recall / plain['recall_at_10'] - 1:+.1%} | {similarity:.3f} "
                f"| {similarity / plain['likeness'] - 1:+.1%} |"
            )
    return rows


if __name__ == "__main__":
    typer.run(main)
