"""What is compiled is there before the first answer, and only where lists are made."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]

_COUNTED = """
import asyncio, gc
from numba.core.dispatcher import Dispatcher
from streamrec.domain.ranking.diversity import Shape
from streamrec.domain.ranking.recommendation import RecommendationRequest
from streamrec.serving.sources.warm_up import warm_up
from tests.unit.serving.test_work_of_an_answer import System

def compiled():
    ours = (one for one in gc.get_objects() if isinstance(one, Dispatcher))
    return {one.py_func.__qualname__: len(one.signatures) for one in ours if one.signatures}

warm_up()
before = compiled()
system = System()
asyncio.run(system.ask("a"))
asyncio.run(system.ask("nobody"))
shaped = RecommendationRequest(5, "a", shape=Shape(0.5, 1), exclude_ids=frozenset("x"), explain=True)
asyncio.run(system.serving.recommender.recommend(shaped))
assert before and compiled() == before, (before, compiled())
"""


def python(code: str) -> str:
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_after_it_no_answer_waits_for_a_compiled_function() -> None:
    python(_COUNTED)


def test_the_index_service_loads_no_compiler() -> None:
    code = "import sys, faiss_server.app, streamrec.adapters.opening; print('numba' in sys.modules)"
    assert python(code) == "False\n"
