import subprocess
import sys
from collections import Counter
from typing import Any

import msgspec
import numpy as np
import pytest

from streamrec.domain.experiments.assignment import Assigner, hasher, merged
from streamrec.domain.experiments.definition import Changes, Experiment, Variant

AB = (Variant("a"), Variant("b", changes=Changes(diversity=0.5)))
N_IDS = 1_000_000
ODD_IDS = ("a/b", "emoji-\U0001f3ac", "with space", "%2F", "nul\0byte", "\U0010ffff", "ü" * 128, "\ud800")


def running(id_: str = "x", **fields: Any) -> Experiment:
    return Experiment(
        id_, 1, **{"variants": AB, "control": "a", "primary": "ctr", "state": "running"} | fields
    )


def variants_of(experiment: Experiment, n: int = 3000) -> dict[str, str | None]:
    assigner = Assigner([experiment])
    found = {f"u{n}": assigner.assigned(f"u{n}", {}) for n in range(n)}
    return {user: some[0].variant if some else None for user, some in found.items()}


def test_a_million_users_are_spread_evenly_and_one_hash_tells_nothing_of_another() -> None:
    hashes = [hasher("layer", "default"), hasher("layer", "page"), hasher("variant", "x")]
    points = np.array([[point(f"user-{n}") for point in hashes] for n in range(N_IDS)])
    assert points.min() >= 0
    assert points.max() < 1
    counts = np.array([np.histogram(column, 100, (0, 1))[0] for column in points.T])
    expected = N_IDS / 100
    # Chi-square of 99 degrees of freedom is below 161.6 in all but 1 of 10,000 cases.
    assert (((counts - expected) ** 2 / expected).sum(axis=1) < 161.6).all()
    for one, other in ((0, 1), (0, 2), (1, 2)):
        cells = np.histogram2d(points[:, one], points[:, other], 10, ((0, 1), (0, 1)))[0]
        assert ((cells - expected) ** 2 / expected).sum() < 161.6


def test_shares_are_those_of_the_weights() -> None:
    three = (Variant("a", 1), Variant("b", 2), Variant("c", 7))
    counts = Counter(variants_of(running(variants=three), 20_000).values())
    assert [round(counts[name] / 20_000, 2) for name in "abc"] == pytest.approx([0.1, 0.2, 0.7], abs=0.011)


def test_a_ramp_moves_nobody_between_variants() -> None:
    before: dict[str, str | None] = dict.fromkeys(variants_of(running()), None)
    for ramp in (1, 5, 25, 50, 100):
        after = variants_of(running(ramp=ramp))
        assert all(after[user] == variant for user, variant in before.items() if variant is not None)
        n_in = sum(variant is not None for variant in after.values())
        assert n_in / len(after) == pytest.approx(ramp / 100, abs=0.03)
        before = after
    assert None not in before.values()
    assert set(variants_of(running(ramp=0)).values()) == {None}


def test_a_version_moves_nobody() -> None:
    assert variants_of(running()) == variants_of(msgspec.structs.replace(running(), version=9, era=9))


def test_another_process_assigns_the_same() -> None:
    code = (
        "from streamrec.domain.experiments.assignment import hasher\n"
        "print([hasher('variant', 'x')(u) for u in ('u1', 'a/b', 'ü', chr(0xd800))])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told.strip() == str([hasher("variant", "x")(u) for u in ("u1", "a/b", "ü", "\ud800")])
    # Written down: what assigns otherwise after an upgrade would mix the variants of all experiments.
    assert hasher("variant", "x")("u1") == 0.14312416355217084


def test_odd_ids_have_points() -> None:
    point = hasher("layer", "default")
    assert len({point(user_id) for user_id in ODD_IDS}) == len(ODD_IDS)
    assert all(Assigner([running()]).assigned(user_id, {}) for user_id in ODD_IDS)


def test_a_layers_experiments_share_its_users_out() -> None:
    both = Assigner([running("x", slice=(0, 30)), running("y", slice=(30, 100))])
    counts = Counter(tuple(one.experiment.id for one in both.assigned(f"u{n}", {})) for n in range(5000))
    assert set(counts) == {("x",), ("y",)}
    assert counts["x",] / 5000 == pytest.approx(0.3, abs=0.03)


def test_a_user_is_in_an_experiment_of_each_layer_that_changes_something_else() -> None:
    other = (Variant("a"), Variant("b", changes=Changes(ranking="equal")))
    found = Assigner([running("x"), running("y", layer="page", variants=other)]).assigned("u", {})
    assert [one.experiment.id for one in found] == ["x", "y"]
    # No editor lets it pass; what stands in the store all the same must not change one thing twice.
    assert len(Assigner([running("x"), running("y", layer="page")]).assigned("u", {})) == 1
    assert len(Assigner([running("x"), running("y")]).assigned("u", {})) == 1


def test_only_running_experiments_have_users() -> None:
    assert Assigner([running(state="draft"), running("y", state="stopped")]).is_idle
    assert Assigner([running(state="draft")]).assigned("u", {}) == []


@pytest.mark.parametrize(
    ("attributes", "is_in"),
    [
        ({"country": "NZ", "age": 30}, True),
        ({"country": ["FR", "NZ"], "age": "30"}, True),
        ({"country": "NZ", "age": 30.0}, True),
        ({"country": "NZ"}, False),
        ({"country": "nz", "age": 30}, False),
        ({"country": {"NZ": 1}, "age": 30}, False),
        ({"country": None, "age": True}, False),
        ({}, False),
    ],
)
def test_an_audience_is_who_has_a_value_of_each_attribute(attributes: dict[str, Any], is_in: bool) -> None:
    assigner = Assigner([running(audience={"country": ("NZ", "AU"), "age": ("30", "true")})])
    assert assigner.has_audience
    assert bool(assigner.assigned("u", attributes)) is is_in


def test_interleaving_gives_every_user_all_variants() -> None:
    (one,) = Assigner([running(design="interleaved")]).assigned("u", {})
    assert (one.variant, one.position) == ("interleaved", None)


def test_of_two_changes_of_one_thing_the_first_counts() -> None:
    both = merged([Changes(sources=("gmf",), diversity=0.0), Changes(diversity=0.9, batch="als")])
    assert both == Changes(sources=("gmf",), diversity=0.0, batch="als")
    assert merged([]) == Changes()
