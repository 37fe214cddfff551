import json
from typing import Any

import msgspec
import pytest

from streamrec.domain.events.weights import USUAL_WEIGHTS
from streamrec.domain.ranking.published_blend import TrainerRules, decode_blend
from streamrec.domain.sources.table import first_blend
from streamrec.domain.users.context import ContextRules


def written_with(rules: object) -> bytes:
    fields: dict[str, Any] = json.loads(msgspec.json.encode(first_blend().published()))
    return json.dumps(fields | {"rules": rules}).encode()


def test_a_blend_of_before_the_trainer_told_its_rules_is_read_with_usual_ones() -> None:
    fields: dict[str, Any] = json.loads(msgspec.json.encode(first_blend().published()))
    del fields["rules"]
    blend = decode_blend(json.dumps(fields))
    assert blend is not None
    assert blend.rules.context == ContextRules(n=0)
    assert blend.rules.weights().given == USUAL_WEIGHTS


def test_rules_are_read_as_they_were_told() -> None:
    told = {"context": {"n": 3, "decay": 0.5, "floor": 0.1}, "event_weights": {"rating<=2": -1.0}}
    blend = decode_blend(written_with(told))
    assert blend is not None
    assert blend.rules == TrainerRules(ContextRules(3, 0.5, 0.1), {"rating<=2": -1.0})
    assert blend.rules.weights().of("rating", 1.0) == -1.0


@pytest.mark.parametrize(
    "rules",
    [
        {"context": {"n": -1}},
        {"context": {"n": 10**9}},
        {"context": {"n": 3, "decay": 0}},
        {"context": {"n": 3, "floor": 2}},
        {"event_weights": {"<=2": 1.0}},
        {"event_weights": {"rating<=high": 1.0}},
        {"event_weights": {"view": "much"}},
        None,
    ],
)
def test_rules_that_are_none_make_it_none(rules: object) -> None:
    assert decode_blend(written_with(rules)) is None
