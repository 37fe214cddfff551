"""Step `run-experiments`: lists that suit the users win, and what is missing is named."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec
import numpy as np
import pyarrow
import pytest

from lab.configuration.generator_section import DriftSection, GeneratorSection
from lab.configuration.lab_settings import LabSettings
from lab.configuration.reading import read_lab_settings
from lab.experiments.multileaving import NO_ITEM
from lab.experiments.shop_users import ShopUsers
from lab.experiments.simulation import SimulationReport, simulation
from lab.generator.truth import Truth
from lab.steps.run_experiments import REPORT, RUN_EXPERIMENTS
from lab.steps.step import StepRun
from lab.steps.tables import write_table
from streamrec.errors import CorruptArtifact, InvalidInput

SMALL = ("generator.n_users=600", "generator.n_products=300", "generator.n_interactions=1000")
K = 10


def settings(*overrides: str) -> LabSettings:
    return read_lab_settings(overrides=[*SMALL, *overrides])


def write_lists(path: Path, users: Sequence[str], lists: Sequence[Sequence[str]]) -> None:
    rows = [
        (user, rank, item)
        for user, items in zip(users, lists, strict=True)
        for rank, item in enumerate(items, 1)
    ]
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    table = pyarrow.table(
        {
            "user_id": pyarrow.array(columns[0], pyarrow.string()),
            "rank": pyarrow.array(columns[1], pyarrow.int16()),
            "item_id": pyarrow.array(columns[2], pyarrow.string()),
            "score": pyarrow.array([0.0] * len(rows), pyarrow.float32()),
        }
    )
    write_table(path, table)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Lists of everybody: what suits the user best, what is popular, and anything."""
    truth = Truth(settings().generator)
    affinities = truth.affinities(np.arange(len(truth.user_ids)), 11)
    ids = np.array(truth.product_ids)
    random = np.random.default_rng(1)
    popular = ids[np.argsort(-affinities.mean(axis=0))[:K]].tolist()
    write_lists(tmp_path / "popularity.parquet", truth.user_ids, [popular] * len(truth.user_ids))
    write_lists(
        tmp_path / "best.parquet", truth.user_ids, ids[np.argsort(-affinities, axis=1)[:, :K]].tolist()
    )
    anything = [random.choice(ids, K, replace=False).tolist() for _ in truth.user_ids]
    write_lists(tmp_path / "anything.parquet", truth.user_ids, anything)
    write_lists(tmp_path / "fallback.parquet", ["fallback"], [popular])
    return tmp_path


def step_run(folder: Path, output: Path, said: list[str], *overrides: str) -> StepRun:
    @contextmanager
    def no_bar(description: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        yield lambda done: None

    output.mkdir()
    inputs = {"recommendations": folder, "data": folder}
    return StepRun(settings(*overrides), output, inputs, no_bar, said.append)


def test_lists_that_suit_the_users_win_by_both_designs(folder: Path, tmp_path: Path) -> None:
    said: list[str] = []
    run = step_run(folder, tmp_path / "out", said)
    outcome = RUN_EXPERIMENTS.run(run)
    report = msgspec.json.decode((run.output / REPORT).read_bytes(), type=SimulationReport)
    ctr = {test.variant: test for test in report.ab.tests if test.metric == "ctr"}
    assert ctr["best"].is_significant
    assert ctr["anything"].is_significant
    assert ctr["best"].superiority > 0.5 > ctr["anything"].superiority
    mixed = {test.variant: test for test in report.multileaving.tests}
    assert mixed["best"].credit_interval[0] > 0
    assert mixed["anything"].credit_interval[1] < 0
    assert report.multileaving.n_users == 200
    assert outcome.findings == []
    assert any(line.startswith("ctr of best: +") for line in said)
    assert outcome.metrics["ab"]["control"] == "popularity"


def test_equal_settings_give_equal_reports(folder: Path) -> None:
    plain = settings()
    first = simulation(folder, plain.generator, plain.experiments)
    assert simulation(folder, plain.generator, plain.experiments) == first


def test_whoever_has_no_list_is_shown_the_common_one(folder: Path) -> None:
    users = [f"u{number:03}" for number in range(600)]
    write_lists(folder / "best.parquet", [], [])
    plain = settings("experiments.variants=['best']")
    report = simulation(folder, plain.generator, plain.experiments)
    assert report.ab.variants["best"].n_users + report.ab.variants["popularity"].n_users == len(users)
    assert not any(test.is_significant for test in report.ab.tests)


def test_attraction_is_that_of_the_truth_whatever_the_order() -> None:
    generator = settings().generator
    truth = Truth(generator)
    users = ShopUsers(generator, [*truth.user_ids, "somebody"])
    asked = np.random.default_rng(2).integers(len(truth.user_ids) + 1, size=2000)
    items = np.random.default_rng(3).integers(NO_ITEM, generator.n_products, size=(2000, 3))
    found = users.attraction(asked, items)
    chances = truth.affinities(np.arange(len(truth.user_ids)), 11) * generator.n_products
    for line in range(0, 2000, 97):
        for position in range(3):
            user, item = asked[line], items[line, position]
            lift = 0.0 if item == NO_ITEM or user == len(truth.user_ids) else chances[user, item]
            assert found[line, position] == pytest.approx(lift / (lift + 20))


def test_after_a_change_of_laws_its_truth_counts() -> None:
    drifted = GeneratorSection(n_users=50, n_products=100, drift=DriftSection(kind="preference", share=1.0))
    same = GeneratorSection(n_users=50, n_products=100)
    ids = Truth(same).user_ids
    users, items = np.arange(50), np.tile(np.arange(100), (50, 1))
    found = [ShopUsers(generator, ids).attraction(users, items) for generator in (drifted, same)]
    assert not np.allclose(found[0], found[1])


def test_data_without_a_truth_is_passed_over(folder: Path, tmp_path: Path) -> None:
    said: list[str] = []
    outcome = RUN_EXPERIMENTS.run(step_run(folder, tmp_path / "out", said, "data.dataset=ml-100k"))
    assert "nobody knows what users of ml-100k" in outcome.metrics["skipped"]
    assert "must be 'generator'" in said[0]


def test_missing_and_torn_lists_are_named(folder: Path) -> None:
    plain = settings()
    with pytest.raises(InvalidInput, match="no lists of als .* there are anything, best, popularity"):
        simulation(folder, plain.generator, settings("experiments.variants=['als']").experiments)
    for name in ("anything", "best"):
        (folder / f"{name}.parquet").unlink()
    with pytest.raises(InvalidInput, match="no other model to compare"):
        simulation(folder, plain.generator, plain.experiments)
    whole = (folder / "popularity.parquet").read_bytes()
    (folder / "best.parquet").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(CorruptArtifact, match="best.parquet can't be read"):
        simulation(folder, plain.generator, plain.experiments)
    (folder / "best.parquet").write_bytes(whole)
    (folder / "fallback.parquet").unlink()
    with pytest.raises(CorruptArtifact, match="fallback.parquet"):
        simulation(folder, plain.generator, plain.experiments)


def test_one_user_is_too_few(folder: Path) -> None:
    plain = settings("experiments.n_users=1")
    with pytest.raises(InvalidInput, match="1 users are too few"):
        simulation(folder, plain.generator, plain.experiments)
