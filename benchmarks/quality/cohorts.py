"""Worth of users' attributes: recall of first events on MovieLens-100K, with and without them."""

from collections import Counter, defaultdict
from typing import Annotated

import msgspec
import numpy as np
import typer

from benchmarks import results_file
from streamrec.datasets.named import DEFAULT_DATA_DIR, ML_100K, fetch_ml_100k, people_of
from streamrec.datasets.open_dataset import open_dataset
from streamrec.domain.ranking.prequential import Events
from streamrec.evaluation.prequential import columns
from streamrec.evaluation.protocol import Protocol
from streamrec.evaluation.served import ServedModel
from streamrec.learning.learner import use_one_thread

RECORDED = results_file.RESULTS / "cohorts.json"

_N_FIRST = 5
_K = 10


class Record(msgspec.Struct):
    """Recall@10 by what was known, of users' first events and of their second to fifth."""

    data_set: str
    n_events: int
    n_questions: dict[str, int]
    recall_at_10: dict[str, dict[str, float]]


def hits(model: ServedModel, events: Events, start: int) -> dict[str, list[bool]]:
    """Go through a stream; return whether each of users' first events was in their list."""
    found: dict[str, list[bool]] = defaultdict(list)
    n_of = Counter(events.user_rows[:start].tolist())
    for position in range(start, len(events.user_rows)):
        user, item = int(events.user_rows[position]), int(events.item_rows[position])
        if n_of[user] < _N_FIRST:
            best = model.best(user, _K, float(events.timestamps[position]))
            found["first" if not n_of[user] else "second to fifth"].append(item in best)
        n_of[user] += 1
        model.learn(events.at(slice(position, position + 1)))
    return found


def main(
    limit: Annotated[int, typer.Option(help="Only the first n events.")] = 30_000,
    record: Annotated[bool, typer.Option("--record", help="Write the figures.")] = False,
) -> None:
    """Measure both, in one run."""
    folder = fetch_ml_100k(DEFAULT_DATA_DIR)
    event_set = open_dataset(ML_100K)[:limit]
    events = columns(event_set)
    use_one_thread()
    rows = {user_id: str(row) for row, user_id in enumerate(dict.fromkeys(event_set.users.tolist()))}
    people = {rows[user_id]: given for user_id, given in people_of(folder).items() if user_id in rows}
    start = round(len(event_set) * 0.1)
    recalls: dict[str, dict[str, float]] = {}
    sizes: dict[str, int] = {}
    for name, users in {"without attributes": {}, "with attributes": people}.items():
        model = ServedModel(events.at(slice(0, start)), Protocol(users=users))
        of_run = hits(model, events, start)
        recalls[name] = {which: round(float(np.mean(asked)), 4) for which, asked in of_run.items()}
        sizes = {which: len(asked) for which, asked in of_run.items()}
        print(name, recalls[name], sizes)
    if record:
        results_file.write(RECORDED, Record(ML_100K, len(event_set), sizes, recalls))


if __name__ == "__main__":
    typer.run(main)
