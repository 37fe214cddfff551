import json
from typing import Any

import msgspec
import pytest

from streamrec.domain.experiments.definition import (
    Changes,
    Experiment,
    Guardrail,
    Variant,
    checked,
    decode_experiment,
    encode_experiment,
)
from streamrec.domain.experiments.editing import refuse_conflicts, successor
from streamrec.errors import Damaged, InvalidInput

AB = (Variant("a"), Variant("b", changes=Changes(diversity=0.5)))


def experiment(id_: str = "x", **fields: Any) -> Experiment:
    known: dict[str, Any] = {"version": 1, "variants": AB, "control": "a", "primary": "ctr"}
    return Experiment(id_, **known | fields)


def test_a_definition_survives_being_written() -> None:
    whole = experiment(audience={"a.$b": ("1", "x")}, slice=(10.0, 20.5), state="running")
    assert decode_experiment(encode_experiment(whole)) == whole


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"control": "c"}, "none of the variants"),
        ({"variants": (AB[0], AB[0])}, "two variants have one name"),
        ({"variants": (AB[0], Variant("interleaved"))}, "choose another name"),
        ({"slice": (50.0, 50.0)}, "slice 50 to 50"),
        ({"ramp": float("nan")}, "finite"),
        ({"variants": (AB[0], Variant("b", float("inf")))}, "finite"),
    ],
)
def test_what_does_not_fit_is_named(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        checked(experiment(**fields))


@pytest.mark.parametrize(
    "fields",
    [
        {"id": "A"}, {"id": "x" * 65}, {"id": "a/b"}, {"version": 0}, {"ramp": 101}, {"ramp": "5"},
        {"variants": []}, {"variants": [{"name": "a"}]},
        {"variants": [{"name": "a", "weigth": 2}, {"name": "b"}]},
        {"variants": [{"name": "a", "changes": {"diversity": 2}}, {"name": "b"}]},
        {"variants": [{"name": "a", "changes": {"sources": []}}, {"name": "b"}]},
        {"variants": [{"name": "a", "weight": 1e-320}, {"name": "b"}]}, {"alpha": 1e-17},
        {"primary": "money"}, {"alpha": 0}, {"alpha": 1}, {"window_s": 0}, {"outcome_s": 1e12},
        {"audience": {"country": []}}, {"audience": {"": ["x"]}}, {"state": "paused"}, {"slice": [0]},
        {"control": "c"},
    ],
)  # fmt: skip
def test_a_broken_document_is_damaged(fields: dict[str, Any]) -> None:
    whole = json.loads(encode_experiment(experiment()))
    with pytest.raises(Damaged):
        decode_experiment(json.dumps(whole | fields).encode())


def test_a_field_of_a_later_version_is_passed_over() -> None:
    whole = json.loads(encode_experiment(experiment()))
    assert decode_experiment(json.dumps(whole | {"added_later": 1}).encode()) == experiment()


RUNNING = experiment(state="running", version=4, era=2, created_at=1.0)


@pytest.mark.parametrize(
    ("change", "is_new_era"),
    [
        ({"ramp": 5.0}, False),
        ({"guardrails": (Guardrail("clicks", 0.1),)}, False),
        ({"primary": "depth"}, True),
        ({"alpha": 0.1}, True),
        ({"planned_users": 500}, True),
        ({"state": "stopped"}, False),
        ({"variants": (AB[0], Variant("b", 2.0, AB[1].changes))}, True),
        ({"layer": "page"}, True),
        ({"slice": (0.0, 50.0)}, True),
        ({"audience": {"country": ("NZ",)}}, True),
        ({"outcome_s": 60.0}, True),
        ({"design": "interleaved"}, True),
    ],
)
def test_who_takes_part_what_they_see_and_how_it_is_judged_begins_an_era(
    change: dict[str, Any], is_new_era: bool
) -> None:
    edited = successor(RUNNING, msgspec.structs.replace(RUNNING, **change, created_at=7.0), now=9.0)
    assert (edited.version, edited.created_at, edited.changed_at) == (5, 1.0, 9.0)
    assert edited.era == (5 if is_new_era else 2)


@pytest.mark.parametrize("state", ["draft", "stopped"])
def test_to_run_begins_an_era(state: Any) -> None:
    before = msgspec.structs.replace(RUNNING, state=state)
    assert successor(before, RUNNING, now=9.0).era == 5
    assert successor(RUNNING, msgspec.structs.replace(RUNNING, state="stopped"), now=9.0).era == 2


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({}, "choose a slice beside it"),
        ({"slice": (99.0, 100.0)}, "choose a slice beside it"),
        ({"layer": "page"}, "changes diversity too"),
    ],
)
def test_experiments_that_would_share_users_or_changes_are_refused(
    fields: dict[str, Any], words: str
) -> None:
    with pytest.raises(InvalidInput, match=words):
        refuse_conflicts(experiment("y", **fields), [RUNNING])


def test_experiments_that_leave_each_other_alone_are_not_refused() -> None:
    half = msgspec.structs.replace(RUNNING, slice=(0.0, 50.0))
    other = (Variant("a"), Variant("b", changes=Changes(ranking="equal")))
    refuse_conflicts(experiment("y", slice=(50.0, 100.0)), [half])
    refuse_conflicts(experiment("y", layer="page", variants=other), [half])
    refuse_conflicts(RUNNING, [RUNNING])
    refuse_conflicts(experiment("y"), [msgspec.structs.replace(RUNNING, state="stopped")])
    interleaved = {"design": "interleaved", "variants": other}
    with pytest.raises(InvalidInput, match="changes interleaved too"):
        refuse_conflicts(
            experiment("y", layer="page", **interleaved), [experiment(state="running", design="interleaved")]
        )
