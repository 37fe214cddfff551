import doctest

import numpy as np
import pytest

from benchmarks.quality import diversity
from benchmarks.quality.diversity import DIVERSITIES, MARKERS, PAGE, mean_cosine, measured, table_rows
from streamrec.evaluation.prequential import columns
from tests.unit.evaluation.test_bad_input import people


def test_the_examples_are_true() -> None:
    assert doctest.testmod(diversity).failed == 0


def test_lists_are_less_similar_the_more_diversity_is_asked_for() -> None:
    figures = measured(columns(people(500)), stride=10)
    lists = figures["lists"]
    assert list(lists) == [str(value) for value in DIVERSITIES]
    assert 0 < figures["n_questions"] <= 45
    assert all(0 <= of_lists["recall_at_10"] <= 1 for of_lists in lists.values())
    similarities = [of_lists["likeness"] for of_lists in lists.values()]
    assert similarities[0] > similarities[-2]
    assert similarities[0] == pytest.approx(max(similarities), abs=0.02)


def test_items_that_the_index_does_not_know_are_not_similar() -> None:
    assert mean_cosine(np.zeros((5, 3), np.float32)) == 0.0
    assert mean_cosine(np.ones((1, 3), np.float32)) == 0.0


def test_the_table_compares_with_lists_as_they_come() -> None:
    lists = {"0.0": {"recall_at_10": 0.2, "likeness": 0.5}, "0.4": {"recall_at_10": 0.19, "likeness": 0.4}}
    rows = table_rows({"films": {"n_questions": 1234, "lists": lists}})
    assert rows[2] == "| films (1,234) | 0.0 | 0.2000 | +0.0% | 0.500 | +0.0% |"
    assert rows[3] == "| films (1,234) | 0.4 | 0.1900 | -5.0% | 0.400 | -20.0% |"


def test_the_page_has_markers_for_the_table() -> None:
    assert all(PAGE.read_text("utf-8").count(marker) == 1 for marker in MARKERS)
