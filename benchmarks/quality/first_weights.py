"""Whether a blend had better start from what it learned on other streams than from equal weights.

For each stream, a blend is taught by passes over the questions of all others, and then goes through the
stream: predicting, then learning. Beside it stand equal weights, and weights that were learned on the very
stream, which is more than any other streams could teach. Nothing is written into the product: ADR 22
says why.
"""

from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
import typer
from numpy.typing import NDArray

from benchmarks import results_file
from benchmarks.quality.models import Events, data_sets
from benchmarks.quality.recorded_questions import RecordedQuestions, record
from streamrec.datasets.open_dataset import open_dataset
from streamrec.domain.ranking.blend import BlendRanker
from streamrec.domain.rows.state_part import Arrays
from streamrec.domain.sources.table import first_blend
from streamrec.evaluation.protocol import Protocol
from streamrec.learning.learner import use_one_thread

K = 10

_AVERAGED_EVERY = 10
"""Steps from one state of the last pass that enters the mean to the next."""

_SQUARED = "squares."
"""Names of squared gradients in a checkpoint begin so; those of parameters follow it."""


class Way(NamedTuple):
    """Manner in which a blend starts from what was learned.

    Attributes
    ----------
    n_passes
        Over the questions of the other streams.
    share
        Of the way from equal weights to what was learned.
    caution
        Share of the squared gradients that is kept: the more, the smaller the first steps.
    """

    n_passes: int
    share: float
    caution: float


WAYS = {
    "learned": Way(1, 1.0, 0.05),
    "learned, small first steps": Way(1, 1.0, 0.2),
    "half of it": Way(3, 0.5, 0.02),
    "the hidden layer alone": Way(1, 0.0, 0.0),
}
"""Name -> way."""

EQUAL, OWN = "equal weights", "learned on the stream itself"

OF_OWN = Way(4, 1.0, 0.05)


def taught(streams: list[RecordedQuestions], n_passes: int, seed: int = 0) -> dict[str, NDArray[np.float64]]:
    """Return the state of a blend after passes over all streams, interleaved; of the last pass the mean."""
    ranker, chance = first_blend(seed), np.random.default_rng(seed)
    states: list[dict[str, NDArray[np.float64]]] = []
    for n_pass in range(n_passes):
        for step, (stream, number) in enumerate(_interleaved(streams, chance)):
            question = streams[stream].at(number)
            ranker.learn(question.candidates, question.target)
            if n_pass == n_passes - 1 and step % _AVERAGED_EVERY == 0:
                states.append({name: array.astype(np.float64) for name, array in ranker.arrays().items()})
    return {name: np.mean([state[name] for state in states], axis=0) for name in ranker.arrays()}


def started(learned: Arrays, way: Way, seed: int = 0) -> BlendRanker:
    """Return a blend that starts from what was learned, in one of the ways."""
    ranker = first_blend(seed)
    arrays = dict(ranker.arrays())
    for name in ("weights", "context", "output"):
        arrays[name] = arrays[name] + way.share * (learned[name] - arrays[name])
    for name in ("hidden", "hidden_bias"):
        arrays[name] = learned[name]
    for name in arrays:
        if name.startswith(_SQUARED):
            arrays[name] = arrays[name] + way.caution * learned[name]
    ranker.load_arrays(
        {name: array if name == "n_learned" else array.astype(np.float32) for name, array in arrays.items()}
    )
    return ranker


def hits(ranker: BlendRanker, questions: RecordedQuestions) -> NDArray[np.float64]:
    """Let a blend predict and then learn Q questions; return (Q,) 1 for a target among the first `K`."""
    found = np.zeros(len(questions))
    for number, question in enumerate(questions):
        if question.target >= 0:
            scores = ranker.scores(question.candidates)
            found[number] = (scores >= scores[question.target]).sum() <= K
            ranker.learn(question.candidates, question.target)
    return found


def main(
    json: Annotated[Path | None, typer.Option(help="Write the figures to this file.")] = None,
    events: Events = None,
    limit: Annotated[int, typer.Option(min=2, help="Only the first n events of each stream.")] = 20_000,
    seeds: Annotated[int, typer.Option(min=1, help="Blends for each figure.")] = 3,
    drawn: Annotated[bool, typer.Option(help="Let the synthetic streams teach, too.")] = True,
    folder: Annotated[Path, typer.Option(help="Keep what is recorded here.")] = Path("var/first_weights"),
) -> None:
    """Compare the starts on every stream, on its first half and on all of it."""
    use_one_thread()
    chosen = list(data_sets(events or [], folder))
    streams: dict[str, RecordedQuestions] = {}
    for data_set in chosen:
        event_set = open_dataset(data_set.source)[:limit]
        streams[data_set.name] = record(
            event_set, Protocol(catalog=event_set.catalog), folder / data_set.name
        )
    figures = {}
    teachers = [data_set.name for data_set in chosen if drawn or not data_set.is_drawn]
    for name, stream in streams.items():
        others = [streams[teacher] for teacher in teachers if teacher != name]
        figures[name] = compared(stream, others, limit // 2, range(seeds))
        for start, (half, whole) in figures[name].items():
            print(f"{name:24} {start:32} recall@10 {half:.4f} {whole:.4f}", flush=True)
    results_file.write(json, figures)


def compared(
    stream: RecordedQuestions, others: list[RecordedQuestions], half: int, seeds: range
) -> dict[str, tuple[float, float]]:
    """Return by start the recall on a stream, before the event of a position and on all of it."""
    is_early = stream.positions < half
    lessons = {way.n_passes for way in WAYS.values()}
    found: dict[str, list[NDArray[np.float64]]] = {}
    for seed in seeds:
        found.setdefault(EQUAL, []).append(hits(first_blend(seed), stream))
        own = taught([stream], OF_OWN.n_passes, seed)
        found.setdefault(OWN, []).append(hits(started(own, OF_OWN, seed), stream))
        learned = {n_passes: taught(others, n_passes, seed) for n_passes in lessons}
        for start, way in WAYS.items():
            found.setdefault(start, []).append(hits(started(learned[way.n_passes], way, seed), stream))
    means = {start: np.mean(of_seeds, axis=0) for start, of_seeds in found.items()}
    return {start: (float(mean[is_early].mean()), float(mean.mean())) for start, mean in means.items()}


def _interleaved(streams: list[RecordedQuestions], chance: np.random.Generator) -> list[tuple[int, int]]:
    """Return (stream, number) of every question once, each stream's evenly over all, in a drawn order."""
    order = [
        (at / len(questions), stream, int(number))
        for stream, questions in enumerate(streams)
        for at, number in enumerate(chance.permutation(len(questions)))
    ]
    return [(stream, number) for _, stream, number in sorted(order)]


if __name__ == "__main__":
    typer.run(main)
