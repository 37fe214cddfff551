import doctest
from pathlib import Path

import msgspec
import pytest

from benchmarks.quality import gate as quality_gate
from benchmarks.quality.gate import RECORDED, STRIDE, Record, fallen
from benchmarks.quality.models import PAGE
from benchmarks.quality.tables import MARKERS, write_tables
from streamrec.evaluation.models import MODELS
from streamrec.evaluation.prequential import chosen_models, run
from streamrec.evaluation.protocol import Protocol
from streamrec.evaluation.report import figures
from tests.unit.evaluation.test_bad_input import people


def test_the_gates_examples_are_true() -> None:
    assert doctest.testmod(quality_gate).failed == 0


def test_what_is_recorded_is_what_the_gate_asks_for() -> None:
    recorded = msgspec.json.decode(RECORDED.read_bytes(), type=Record)
    assert set(recorded.recall_at_10) == set(quality_gate.MODELS) <= set(MODELS)
    assert (recorded.n_events, recorded.stride) == (quality_gate.N_EVENTS, STRIDE)
    assert fallen(recorded, recorded) == []
    worse = {name: 0.96 * recall for name, recall in recorded.recall_at_10.items()}
    found = msgspec.structs.replace(recorded, recall_at_10=worse)
    assert [line.split(":")[0] for line in fallen(found, recorded)] == list(worse)


def test_tables_stand_between_the_markers_and_nothing_else_changes(tmp_path: Path) -> None:
    models = figures(run(people(400), chosen_models(["popularity", "decayed_popularity"]), Protocol()))
    page = tmp_path / "quality.md"
    page.write_text(f"before\n{MARKERS[0]}\nwhat was there\n{MARKERS[1]}\nafter\n")
    write_tables({"one": {"models": models}, "two": {"models": models}}, page)
    text = page.read_text()
    assert text.startswith("before\n<!--")
    assert text.endswith("-->\nafter\n")
    assert "what was there" not in text
    recall = f"{models['popularity']['recall_at_10']:.4f}"
    row = next(line for line in text.splitlines() if line.startswith("| `popularity` |"))
    assert row.count(recall) == 2
    write_tables({"one": {"models": models}}, page)
    assert page.read_text().count(recall) == 1


def test_a_page_without_markers_for_them_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("nothing")
    with pytest.raises(ValueError, match="0 sections"):
        write_tables({}, tmp_path / "page.md")
    assert all(marker in PAGE.read_text("utf-8") for marker in MARKERS)
