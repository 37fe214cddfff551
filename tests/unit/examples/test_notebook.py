"""The notebook goes from a data frame to recommendations, cell by cell."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from recommender_server.app import Parts, Rules, create_app
from streamrec.adapters.memory.index import MemoryIndex
from streamrec.cli.launch.local_servers import free_port
from streamrec.ports import VectorTable
from streamrec.telemetry import NullMetrics
from tests.builders import GENERATION, LEARNING, World
from tests.page.served_page import serving
from tests.unit.examples.notebook_run import NOTEBOOK, run

ROOT = Path(__file__).parents[3]
N_DIMENSIONS = LEARNING.embedding_dim + 1


@contextmanager
def learning_and_served(folder: Path) -> Iterator[str]:
    """Give the address of a recommender beside which a trainer learns, from nothing."""
    world, is_over = World(folder), threading.Event()

    def learn() -> None:
        trainer = world.trainer(max_batch=200)
        while not is_over.wait(0.02):
            trainer.step()

    index = MemoryIndex({GENERATION: VectorTable([], np.zeros((0, N_DIMENSIONS), np.float32))})
    parts = Parts(world.store, world.cache, index, world.sink, NullMetrics())
    thread = threading.Thread(target=learn)
    thread.start()
    try:
        with serving(create_app(parts, Rules())) as served:
            yield served.url
    finally:
        is_over.set()
        thread.join()


@pytest.mark.timeout(600)
def test_it_runs_from_the_first_cell_to_the_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with learning_and_served(tmp_path) as url:
        monkeypatch.setenv("RECOMMENDER_URL", url)
        _, names = run(NOTEBOOK)
    assert names["share"] > 0.6
    assert names["mine"].based_on == "user_id"
    assert {names["genre_of"][item.item_id] for item in names["mine"].items[:2]} == {"Sci-Fi"}
    assert all(item.attributes["year"] >= 1990 for item in names["answer"].items)


def test_its_file_is_small_and_shows_what_came_out() -> None:
    document = json.loads(NOTEBOOK.read_text("utf-8"))
    cells = [cell for cell in document["cells"] if cell["cell_type"] == "code"]
    assert [cell["execution_count"] for cell in cells] == list(range(1, len(cells) + 1))
    assert sum(bool(cell["outputs"]) for cell in cells) >= 6
    assert NOTEBOOK.stat().st_size < 30_000
    assert str(ROOT) not in NOTEBOOK.read_text("utf-8")


@pytest.mark.nightly
@pytest.mark.timeout(900)
def test_it_starts_a_recommender_of_its_own_where_none_runs() -> None:
    ports = {"RECOMMENDER_PORT": str(free_port()), "INDEX_PORT": str(free_port())}
    variables = {**os.environ, **ports}
    variables.pop("RECOMMENDER_URL", None)
    script = """
import json
from tests.unit.examples.notebook_run import NOTEBOOK, run
_, names = run(NOTEBOOK)
assert names["share"] > 0.6, names["share"]
assert names["product"].returncode == 0
"""
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=variables, check=True)
