"""The gate: recall on the beginning of MovieLens-100K stays within 3 % of the recorded figure.

Run with `--record`, it writes the figures that later runs are held against.
"""

import sys
from typing import Annotated

import msgspec
import typer

from benchmarks import results_file
from streamrec.datasets.named import DEFAULT_DATA_DIR, ML_100K, fetch_ml_100k
from streamrec.datasets.open_dataset import open_dataset
from streamrec.evaluation.prequential import chosen_models, run
from streamrec.evaluation.protocol import Protocol
from streamrec.evaluation.report import figures

RECORDED = results_file.RESULTS / "quality_gate.json"

MODELS = ("served",)
"""The served list comes first: a loss in any source or in their blend shows in it."""

N_EVENTS = 20_000
STRIDE = 1
"""Every event is asked about: the blend learns from all of them anyway, and more questions tell more."""

TOLERANCE = 0.03
"""Relative. Other processors round otherwise, and a model's way through a stream then differs a little."""


class Record(msgspec.Struct):
    """Recorded figures that a later run must reach, and the data that they were measured on."""

    data_set: str
    n_events: int
    stride: int
    n_questions: int
    recall_at_10: dict[str, float]


def measure() -> Record:
    """Evaluate the models on the prefix."""
    fetch_ml_100k(DEFAULT_DATA_DIR)
    events = open_dataset(ML_100K)[:N_EVENTS]
    evaluation = run(events, chosen_models(MODELS), Protocol(stride=STRIDE, catalog=events.catalog))
    recalls = {name: found["recall_at_10"] for name, found in figures(evaluation).items()}
    return Record(ML_100K, N_EVENTS, STRIDE, len(evaluation.positions), recalls)


def fallen(found: Record, recorded: Record, tolerance: float = TOLERANCE) -> list[str]:
    """Return what is wrong with the figures, a line each.

    >>> recorded = Record("ml-100k", 20_000, 8, 2_200, {"context": 0.2, "covisitation": 0.3})
    >>> worse = Record("ml-100k", 20_000, 8, 2_200, {"context": 0.195, "covisitation": 0.29})
    >>> fallen(worse, recorded)
    ['covisitation: recall@10 .2900, recorded .3000']
    >>> fallen(worse, Record("ml-100k", 20_000, 4, 4_400, {"context": 0.2}))
    ['the figures were recorded on other questions, or of other models: record them again']
    """
    questions = (found.n_events, found.stride, found.n_questions, found.recall_at_10.keys())
    if questions != (recorded.n_events, recorded.stride, recorded.n_questions, recorded.recall_at_10.keys()):
        return ["the figures were recorded on other questions, or of other models: record them again"]
    return [
        f"{name}: recall@10 {_shown(recall)}, recorded {_shown(recorded.recall_at_10[name])}"
        for name, recall in found.recall_at_10.items()
        if recall < (1 - tolerance) * recorded.recall_at_10[name]
    ]


def main(
    record: Annotated[
        bool, typer.Option("--record", help="Write the figures instead of checking them.")
    ] = False,
) -> None:
    """Check that no model got worse."""
    found = measure()
    print(", ".join(f"{name} {_shown(recall)}" for name, recall in found.recall_at_10.items()))
    if record:
        results_file.write(RECORDED, found)
        return
    complaints = fallen(found, msgspec.json.decode(RECORDED.read_bytes(), type=Record))
    if complaints:
        print(f"quality fell by more than {TOLERANCE:.0%}:", *complaints, sep="\n  ", file=sys.stderr)
        raise typer.Exit(1)


def _shown(recall: float) -> str:
    return f"{recall:.4f}".lstrip("0")


if __name__ == "__main__":
    typer.run(main)
