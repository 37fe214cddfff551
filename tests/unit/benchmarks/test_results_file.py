"""Results of benchmarks name the code and the machine that they are of."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from benchmarks.results_file import add_origin, read, write


def test_figures_are_written_with_their_origin(tmp_path: Path) -> None:
    path = tmp_path / "new" / "figures.json"
    write(path, {"rate": np.float64(1.5), "n": np.int64(2), "by_size": {10: [1.0]}})
    result = read(path)
    assert result.figures == {"rate": 1.5, "n": 2, "by_size": {"10": [1.0]}}
    assert result.measured.cores > 0
    assert result.measured.load_average is not None
    assert result.measured.commit is None or re.fullmatch("[0-9a-f]{40}", result.measured.commit)


def test_without_a_path_nothing_is_written() -> None:
    write(None, {"rate": 1.0})


def test_what_a_command_wrote_gets_its_origin_once(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    path.write_text('{"gmf": {"recall_at_10": 0.2}}')
    add_origin(path)
    first = path.read_bytes()
    add_origin(path)
    assert path.read_bytes() == first
    assert json.loads(first)["gmf"] == {"recall_at_10": 0.2}


def test_figures_of_unknown_origin_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "figures.json"
    path.write_text('{"rate": 1.0}')
    with pytest.raises(ValueError, match="does not tell what was measured"):
        read(path)
