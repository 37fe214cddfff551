"""Every decoder returns, or raises its declared error, whatever bytes it gets."""

import ast
import itertools
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from tests.properties.damages import spoiled
from tests.properties.decoders import NO_DECODERS, NO_ROW, ROWS, Row

ROOT = Path(__file__).parents[2]
PACKAGES = ("streamrec", "models", "lab", "faiss_server", "recommender_server")

N_SHORT = 20
"""Examples of each decoder in the short run."""

N_AT_ONCE = 50

FUZZ_S = float(os.environ.get("STREAMREC_FUZZ_S", "3600"))
"""Seconds that the nightly run takes, shared out evenly."""


def fuzz(row: Row, n_examples: int, number: int = 0) -> int:
    """Give a decoder so many spoiled payloads; return how many there were."""
    n_tried = 0

    @seed(number)
    @settings(
        max_examples=n_examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate, Phase.shrink],
    )
    @given(spoiled(row.examples, row.form))
    def returns_or_raises_what_it_declares(payload: bytes) -> None:
        nonlocal n_tried
        n_tried += 1
        with suppress(*row.declared):
            row.decode(payload)

    returns_or_raises_what_it_declares()
    return n_tried


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_decoder_reads_its_examples(row: Row) -> None:
    for example in row.examples:
        try:
            row.decode(example)
        except row.declared:
            assert len(row.examples) > 1, "an example of its own must be read"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_decoder_returns_or_raises_what_it_declares(row: Row) -> None:
    assert fuzz(row, N_SHORT) > 0


@pytest.mark.nightly
@pytest.mark.timeout(FUZZ_S * 1.5 + 300)
def test_decoders_hold_for_long(capsys: pytest.CaptureFixture[str]) -> None:
    until = time.monotonic() + FUZZ_S
    tried: Counter[str] = Counter()
    for number in itertools.count(1):
        for row in ROWS:
            tried[row.name] += fuzz(row, N_AT_ONCE, number)
            if time.monotonic() > until:
                with capsys.disabled():
                    sys.stdout.write(f"\n{sum(tried.values()):,} payloads in {FUZZ_S:.0f} s: {dict(tried)}\n")
                assert len(tried) == len(ROWS), "the time was too short for a look at each"
                return


def functions() -> Iterator[tuple[Path, str]]:
    """Yield file and name of each function on a module's top level."""
    for package in PACKAGES:
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    yield path, node.name


def test_every_decoder_has_a_row() -> None:
    named = {row.name.partition("/")[0].rpartition(".")[2] for row in ROWS}
    of_modules = {row.name.partition("/")[0] for row in ROWS}
    lacking = [
        f"{path}: {name}"
        for path, name in functions()
        if name.startswith(("decode_", "read_"))
        and of_modules.isdisjoint({f"{path.stem}.{name}", f"{path.parent.name}_{path.stem}.{name}"})
        and name not in NO_DECODERS
        and NO_ROW.get(name) not in {row.name for row in ROWS}
        and name not in named - {"decode_items", "decode_ranking", "decode_counters"}
    ]
    assert lacking == [], "give each a row in tests/properties/decoders.py"


def test_one_place_knows_what_decoders_raise() -> None:
    strays = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if "msgspec.DecodeError" in path.read_text() or "except RecursionError" in path.read_text()
    ]
    assert strays == [], "use streamrec.payload"
