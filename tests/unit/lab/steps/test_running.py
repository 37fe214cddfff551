"""Steps: what is there already is kept, what is of another run or damaged is refused and named."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import msgspec
import pytest

from lab.configuration.lab_settings import LabSettings
from lab.configuration.reading import read_lab_settings
from lab.steps.manifest import read_manifest
from lab.steps.running import FailedChecks, Laboratory
from lab.steps.step import Outcome, Step, StepRun
from lab.steps.tables import read_table
from streamrec.errors import CorruptArtifact, InvalidInput, Unavailable


@contextmanager
def no_bar(description: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
    yield lambda done: None


def make_seed(run: StepRun) -> Outcome:
    (run.output / "seed.txt").write_text(str(run.settings.generator.seed))
    return Outcome({"seed": run.settings.generator.seed})


def make_double(run: StepRun) -> Outcome:
    seed = int((run.inputs["seed"] / "seed.txt").read_text())
    (run.output / "double.txt").write_text(str(2 * seed))
    return Outcome({"double": 2 * seed}, ["the number is even"])


def make_sum(run: StepRun) -> Outcome:
    paths = (run.inputs["seed"] / "seed.txt", run.inputs["double"] / "double.txt")
    (run.output / "sum.txt").write_text(str(sum(int(path.read_text()) for path in paths)))
    return Outcome({})


SEED = Step("make-seed", "", output="seed", sections=("generator",), run=make_seed)
DOUBLE = Step("make-double", "", output="double", sections=("split",), run=make_double, inputs=("seed",))
SUM = Step("make-sum", "", output="sum", sections=(), run=make_sum, inputs=("seed", "double"))
STEPS = (SEED, DOUBLE, SUM)


@dataclass
class World:
    folder: Path
    said: list[str] = field(default_factory=list)

    def laboratory(self, *overrides: str, steps: tuple[Step, ...] = STEPS) -> Laboratory:
        settings = read_lab_settings(overrides=overrides) if overrides else LabSettings()
        return Laboratory(steps, self.folder, settings, no_bar, self.said.append, clock=lambda: 1.5)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "lab")


def test_an_output_names_what_it_was_made_of(world: World) -> None:
    laboratory = world.laboratory()
    seed, double, total = (laboratory.run(step) for step in STEPS)
    assert (world.folder / "sum/sum.txt").read_text() == "126"
    assert total.inputs == {"seed": seed.data_hash, "double": double.data_hash}
    assert (seed.metrics, seed.made_at, seed.step) == ({"seed": 42}, 1.5, "make-seed")
    assert seed.settings["generator"]["n_users"] == 100_000
    assert read_manifest(world.folder / "seed", "") == seed
    assert seed.files["seed.txt"].n_bytes == 2
    assert seed.peak_bytes > 1_000_000


def test_what_is_up_to_date_is_kept_and_said(world: World) -> None:
    for step in STEPS:
        world.laboratory().run(step)
    world.said.clear()
    other_output = replace(SEED, run=lambda run: pytest.fail("it is up to date"))
    world.laboratory(steps=(other_output, DOUBLE, SUM)).run(other_output)
    assert world.said == [f"make-seed: {world.folder / 'seed'} is up to date; --again makes it anew"]
    before = (world.folder / "seed/manifest.json").stat().st_mtime_ns
    world.laboratory().run(SEED, again=True)
    assert (world.folder / "seed/manifest.json").stat().st_mtime_ns > before
    # Made again of the same settings, it is the same: what stands on it stays up to date.
    world.said.clear()
    world.laboratory().run(DOUBLE)
    assert "up to date" in world.said[0]


def test_a_setting_of_another_section_changes_nothing(world: World) -> None:
    world.laboratory().run(SEED)
    world.laboratory("split.test=.2").run(SEED)
    assert "up to date" in world.said[-1]


def test_an_input_of_other_settings_is_refused_and_named(world: World) -> None:
    world.laboratory().run(SEED)
    changed = world.laboratory("generator.seed=7", "generator.n_users=5")
    with pytest.raises(InvalidInput, match="generator.seed: 42, now 7") as raised:
        changed.run(DOUBLE)
    assert "generator.n_users: 100000, now 5" in str(raised.value)
    assert "python -m lab make-seed" in str(raised.value)
    assert not (world.folder / "double").exists()
    changed.run(DOUBLE, accepts_other_inputs=True)
    assert (world.folder / "double/double.txt").read_text() == "84"


def test_inputs_of_two_runs_are_refused(world: World) -> None:
    for step in (SEED, DOUBLE):
        world.laboratory().run(step)
    world.laboratory("generator.seed=7").run(SEED)
    with pytest.raises(InvalidInput, match="double was made of another seed than") as raised:
        world.laboratory("generator.seed=7").run(SUM)
    assert "python -m lab make-double" in str(raised.value)
    world.laboratory("generator.seed=7").run(DOUBLE)
    world.laboratory("generator.seed=7").run(SUM)
    assert (world.folder / "sum/sum.txt").read_text() == "21"


def test_an_input_that_stands_on_other_settings_is_refused(world: World) -> None:
    for step in (SEED, DOUBLE):
        world.laboratory().run(step)
    changed = world.laboratory("generator.seed=7")
    last = replace(SUM, inputs=("double",), run=lambda run: Outcome({}))
    with pytest.raises(InvalidInput, match="double was made of .*seed, which was made with other settings"):
        changed.run(last)
    changed.run(last, accepts_other_inputs=True)


def test_a_missing_input_names_the_command_that_makes_it(world: World) -> None:
    with pytest.raises(InvalidInput, match="seed is not there; make it with: python -m lab make-seed$"):
        world.laboratory().run(DOUBLE)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"format_version": 1}', b"\xff"])
def test_a_damaged_manifest_is_named_and_made_anew(world: World, content: bytes) -> None:
    world.laboratory().run(SEED)
    (world.folder / "seed/manifest.json").write_bytes(content)
    with pytest.raises(CorruptArtifact, match=r"manifest\.json can't be read.*make-seed"):
        world.laboratory().run(DOUBLE)
    world.laboratory().run(SEED)
    world.laboratory().run(DOUBLE)


def test_an_output_of_a_later_format_is_refused(world: World) -> None:
    path = world.folder / "seed/manifest.json"
    made = world.laboratory().run(SEED)
    path.write_bytes(msgspec.json.encode(msgspec.structs.replace(made, format_version=2)))
    with pytest.raises(CorruptArtifact, match="is of format 2, not 1"):
        world.laboratory().run(DOUBLE)


def test_a_cut_or_missing_file_is_named(world: World) -> None:
    world.laboratory().run(SEED)
    (world.folder / "seed/seed.txt").write_text("4")
    with pytest.raises(CorruptArtifact, match=r"seed\.txt has 1 of 2 bytes; make it anew with: .*make-seed"):
        world.laboratory().run(DOUBLE)
    (world.folder / "seed/seed.txt").unlink()
    with pytest.raises(CorruptArtifact, match=r"seed\.txt is missing"):
        world.laboratory().run(DOUBLE)
    world.laboratory().run(SEED)
    assert any("made anew now" in line for line in world.said)
    world.laboratory().run(DOUBLE)


def test_a_step_that_fails_leaves_what_was_there(world: World) -> None:
    def fail(run: StepRun) -> Outcome:
        (run.output / "half.txt").write_text("half")
        raise InvalidInput("no")

    world.laboratory().run(SEED)
    failing = replace(SEED, run=fail)
    with pytest.raises(InvalidInput, match="no"):
        world.laboratory(steps=(failing, DOUBLE, SUM)).run(failing, again=True)
    assert [path.name for path in world.folder.iterdir()] == ["seed"]
    world.laboratory().run(DOUBLE)


def test_a_folder_that_cant_be_written_is_one_line(world: World) -> None:
    world.folder.parent.mkdir(exist_ok=True)
    world.folder.write_text("a file")
    with pytest.raises(Unavailable, match="can't write"):
        world.laboratory().run(SEED)


def test_findings_are_said_and_fail_where_that_is_wanted(world: World) -> None:
    world.laboratory().run(SEED)
    world.laboratory().run(DOUBLE)
    assert "make-double: the number is even" in world.said
    with pytest.raises(FailedChecks, match="1 checks failed"):  # also of an output that is up to date
        world.laboratory().run(DOUBLE, is_strict=True)


def test_a_source_outside_that_changes_makes_the_output_anew(world: World) -> None:
    hashes = {"file a": "1"}
    step = replace(SEED, sources=lambda settings: dict(hashes))
    world.laboratory(steps=(step, DOUBLE, SUM)).run(step)
    hashes["file a"] = "2"
    made = world.laboratory(steps=(step, DOUBLE, SUM)).run(step)
    assert made.inputs == {"file a": "2"}
    world.laboratory(steps=(step, DOUBLE, SUM)).run(DOUBLE)


def test_a_half_written_table_is_named(tmp_path: Path) -> None:
    path = tmp_path / "part-0.parquet"
    path.write_bytes(b"PAR1half")
    with pytest.raises(CorruptArtifact, match=r"part-0\.parquet can't be read"):
        read_table(path)
    with pytest.raises(CorruptArtifact, match=r"missing\.parquet can't be read"):
        read_table(tmp_path / "missing.parquet")
    (tmp_path / "empty").mkdir()
    with pytest.raises(CorruptArtifact, match="has no parts"):
        read_table(tmp_path / "empty")
