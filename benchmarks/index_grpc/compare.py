"""The hop to the index: MessagePack over HTTP as the product has it, and gRPC, asked the same in one run.

``python -m benchmarks.index_grpc.compare --json F``
"""

import gc
import os
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any

import faiss
import numpy as np
import typer
import uvloop

from benchmarks import results_file
from benchmarks.index.vectors import SHAPES, D, Vectors, items, nearest, users
from benchmarks.index_grpc.encoding import measure_encodings
from benchmarks.index_grpc.generated import compile_proto, load_code
from benchmarks.index_grpc.rounds import (
    SIDE_BY_SIDE,
    OpenWay,
    Question,
    Way,
    check_answers,
    count_bytes,
    measure_round,
)
from benchmarks.index_grpc.ways import PRODUCT, serve
from benchmarks.serving.stack import locations_in
from streamrec.adapters.faiss.index import FaissIndex
from streamrec.adapters.files.snapshots import set_current, write_snapshot
from streamrec.ports import ByVector, Snapshot, VectorTable

N_ITEMS = 100_000
N_QUERIES = 500
N_EXCLUDED = (50, 200)
K = 14
"""Ten to show and the recommender's four spare ones."""

_GENERATION = "bench"
_COLUMNS = {
    "alone: p50 / p99 ms": "{alone_ms_p50:.2f} / {alone_ms_p99:.2f}",
    "ratio": "{alone_ms_p50_ratio:.2f}",
    "CPU ms, client + server": "{alone_client_cpu_ms:.2f} + {alone_server_cpu_ms:.2f}",
    f"{SIDE_BY_SIDE} at once: searches/s": "{busy_per_s:,.0f}",
    "ratio ": "{busy_per_s_ratio:.2f}",
    "p99 ms": "{busy_ms_p99:.1f}",
    "CPU ms, client + server ": "{busy_client_cpu_ms:.2f} + {busy_server_cpu_ms:.2f}",
    "bytes there + back": "{bytes_sent:.0f} + {bytes_received:.0f}",
}
"""Title -> how the figures of a row are shown; the ratios are to the product's way, of the same turn."""

_RATIOS = ("alone_ms_p50", "alone_cpu_ms", "busy_per_s", "busy_cpu_ms")


def main(
    json: Annotated[Path | None, typer.Option(help="Where to write the figures.")] = None,
    rounds: Annotated[int, typer.Option(help="Turns of every way; medians are told.")] = 11,
) -> None:
    """Measure, print tables, write JSON."""
    faiss.omp_set_num_threads(1)
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        compile_proto(home)
        in_process, questions = _ask_in_process(home)
        code = load_code(home)
        for row in in_process:
            row |= measure_encodings(questions[int(row["n_excluded"])][0], code.messages)
        with ExitStack() as running:
            ways = serve(home, code, running)
            rows = uvloop.run(_measure_all(ways, questions, rounds))
    _print(in_process, rows)
    figures = {"n_items": N_ITEMS, "k": K, "n_rounds": rounds, "in_process": in_process, "hop": rows}
    results_file.write(json, figures)


def _ask_in_process(home: Path) -> tuple[list[dict[str, float]], dict[int, list[Question]]]:
    """Write a snapshot; return an index's own times for all questions, and its answers."""
    shape, chance = SHAPES["as learned"], np.random.default_rng(3)
    vectors, sample = items(N_ITEMS, shape, chance), users(256, shape, chance)
    ids = [f"item-{row}" for row in range(N_ITEMS)]
    table = VectorTable([f"user-{row}" for row in range(len(sample))], sample)
    artifacts = locations_in(home, 0).artifacts_dir
    write_snapshot(
        artifacts,
        Snapshot(
            _GENERATION,
            items=VectorTable(ids, vectors),
            users=table,
            next_offsets={},
            created_at=time.time(),
            provenance={},
        ),
    )
    set_current(artifacts, _GENERATION)
    index = FaissIndex(D + 1, sample)
    index.upsert(ids, vectors)
    index.maintain()
    seen = [(user, nearest(vectors, user, max(N_EXCLUDED))) for user in users(N_QUERIES, shape, chance)]
    figures, questions = [], {}
    for n_excluded in N_EXCLUDED:
        queries = [(user, [ids[row] for row in rows[:n_excluded]]) for user, rows in seen]
        search_ms, questions[n_excluded] = _answer(index, queries)
        figures.append({"n_excluded": n_excluded, "search_ms_p50": search_ms})
    return figures, questions


def _answer(index: FaissIndex, queries: list[tuple[Vectors, list[str]]]) -> tuple[float, list[Question]]:
    durations_s, questions = [], []
    for user, exclude in queries:
        start = time.perf_counter()
        ranking = index.search(user, K, exclude)
        durations_s.append(time.perf_counter() - start)
        query = ByVector(user.tobytes(), K, exclude=exclude, generation=_GENERATION)
        questions.append(Question(query, ranking.ids))
    return float(np.median(durations_s)) * 1e3, questions


async def _measure_all(
    ways: list[Way], questions: dict[int, list[Question]], n_rounds: int
) -> list[dict[str, Any]]:
    opened = [OpenWay(way, way.searchers()) for way in ways]
    # As the recommender's worker does it.
    gc.collect()
    gc.freeze()
    rows = []
    for n_excluded, asked in questions.items():
        for each in opened:
            await check_answers(each, asked)
        turns: list[dict[str, dict[str, float]]] = []
        for turn in range(n_rounds):
            # Who comes first differs, so that nobody always follows the same one.
            order = opened[turn % len(opened) :] + opened[: turn % len(opened)]
            turns.append({each.way.name: await measure_round(each, asked) for each in order})
        for way in ways:
            figures = _medians(turns, way.name) | await count_bytes(way, asked)
            rows.append({"n_excluded": n_excluded, "way": way.name, **figures})
    for each in opened:
        for searcher in each.searchers:
            await searcher.close()
    return rows


def _medians(turns: Sequence[dict[str, dict[str, float]]], name: str) -> dict[str, float]:
    """Return each figure's median over the turns, and that of its ratio to the product's in the same turn."""
    figures = {figure: float(np.median([turn[name][figure] for turn in turns])) for figure in turns[0][name]}
    ratios = {
        f"{figure}_ratio": float(np.median([turn[name][figure] / turn[PRODUCT][figure] for turn in turns]))
        for figure in _RATIOS
    }
    return figures | ratios


def _print(in_process: list[dict[str, float]], rows: list[dict[str, Any]]) -> None:
    """Print the tables of docs/adr/0007-index-hop.md."""
    print("| left out | search in process, ms | MessagePack, us | protobuf, us |\n|---|---|---|---|")
    for row in in_process:
        print("| {n_excluded} | {search_ms_p50:.2f} | {msgpack_us:.1f} | {protobuf_us:.1f} |".format(**row))
    print()
    print("| left out | way |" + "|".join(f" {title} " for title in _COLUMNS) + "|")
    print("|---|---|" + "---|" * len(_COLUMNS))
    for row in rows:
        cells = (wanted.format(**row) for wanted in _COLUMNS.values())
        print(f"| {row['n_excluded']} | {row['way']} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    typer.run(main)
