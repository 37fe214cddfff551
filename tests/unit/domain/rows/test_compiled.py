import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from streamrec.domain.rows.compiled import compiled, version_of

ROOT = Path(__file__).parents[4]


def test_a_function_that_can_not_be_kept_is_compiled_all_the_same() -> None:
    names: dict[str, object] = {}
    exec("def double(x):\n    return 2 * x", names)  # of no file: there is no folder for its code
    assert compiled(names["double"])(np.array([1.0, 2.0])).tolist() == [2.0, 4.0]  # type: ignore[type-var, operator]


def test_code_that_was_kept_counts_for_its_version_only(tmp_path: Path) -> None:
    first, second = tmp_path / "a.py", tmp_path / "b.py"
    for file in (first, second):
        file.write_text("x = 1\n")
    before = version_of([first, second])
    assert version_of([second, first]) == before
    second.write_text("x = 10\n")
    assert version_of([first, second]) != before


def test_learning_works_where_nothing_can_be_written(tmp_path: Path) -> None:
    code = (
        "import numpy as np; from streamrec.learning.learner import Learner;"
        "from streamrec.settings.processes import LearningSettings; rows = np.arange(3);"
        "print(Learner(LearningSettings()).learn(rows, rows, np.ones(3, np.float32), np.zeros(3)).loss)"
    )
    nowhere = {"PYTHONPATH": str(ROOT), "NUMBA_CACHE_DIR": "/dev/null/nowhere", "HOME": "/dev/null"}
    command, environment = [sys.executable, "-c", code], {**os.environ, **nowhere}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert float(ran.stdout) > 0
