"""Candidates without one of the user's items, beside those of a user who never chose it."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streamrec.domain.explaining.without import Without
from streamrec.domain.ranking.candidates import Candidates
from streamrec.domain.sources.findings import Findings
from streamrec.domain.sources.source import Source
from streamrec.domain.sources.table import BLENDED, COLUMNS, EXTRA
from tests.drawn_findings import IDS, ITEMS, findings, some_ids

N_PROPOSED = 15

# Longer than what counts of a history: where one of its items is left out, another one counts.
long_histories = st.permutations(IDS).flatmap(lambda ids: some_ids.map(lambda more: [*ids[:24], *more]))


def candidates_of(found: Findings, stage: Sequence[Source]) -> Candidates:
    proposals = {source.name: source.propose(found, N_PROPOSED) for source in stage}
    return Candidates(COLUMNS, proposals, found.asker, found.items, found.in_context, EXTRA)


@given(findings() | findings(long_histories), st.sampled_from(IDS))
@settings(max_examples=150, deadline=None)
def test_they_are_those_of_a_user_who_never_chose_it(found: Findings, item_id: str) -> None:
    asked = np.arange(len(IDS))
    proposals = candidates_of(found, BLENDED).proposals
    imagined = Without(found, proposals, BLENDED, N_PROPOSED, asked).imagined(item_id)
    expected = candidates_of(found.without(item_id), BLENDED)
    assert imagined.rows.tolist() == expected.rows_of(asked).tolist()
    assert imagined.features == pytest.approx(expected.features, rel=1e-6)
    assert (imagined.n_sources, imagined.segment) == (expected.n_sources, expected.segment)


@given(findings(), st.lists(st.sampled_from(IDS), min_size=1, max_size=4))
@settings(max_examples=40, deadline=None)
def test_one_after_the_other_they_are_as_if_asked_for_alone(found: Findings, item_ids: list[str]) -> None:
    asked = np.arange(len(IDS))
    proposals = candidates_of(found, BLENDED).proposals
    without = Without(found, proposals, BLENDED, N_PROPOSED, asked)
    for item_id in item_ids:
        alone = Without(found, proposals, BLENDED, N_PROPOSED, asked).imagined(item_id)
        assert without.imagined(item_id).features.tolist() == alone.features.tolist()
    assert ITEMS.ids_at(asked.tolist()) == IDS
