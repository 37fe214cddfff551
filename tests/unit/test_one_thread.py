"""Products of matrices take one thread in every process, however it is started."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

COUNT = (
    "import numpy, threadpoolctl; print({pool['num_threads'] for pool in threadpoolctl.threadpool_info()})"
)

COMMAND = f"""
import sys
import streamrec.__main__ as entry

sys.argv = ["streamrec", "--version"]
try:
    entry.main()
except SystemExit:
    {COUNT}
"""


def counted(code: str, **environment: str) -> str:
    """Return what some code printed last, with no number of threads in its environment but these."""
    inherited = {name: text for name, text in os.environ.items() if not name.endswith("_NUM_THREADS")}
    found = subprocess.run(
        [sys.executable, "-c", code],
        env=inherited | {"PYTHONPATH": str(ROOT)} | environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return found.stdout.split("\n")[-2]


@pytest.mark.parametrize(
    "module",
    ["recommender_server.gunicorn_settings", "faiss_server.gunicorn_settings", "incremental_training"],
)
def test_what_starts_a_process_takes_one_thread(module: str) -> None:
    assert counted(f"import {module}; {COUNT}") == "{1}"


def test_a_command_takes_one_thread() -> None:
    assert counted(COMMAND) == "{1}"


def test_the_environment_says_otherwise() -> None:
    assert counted(f"import recommender_server.gunicorn_settings; {COUNT}", OMP_NUM_THREADS="2") == "{2}"
