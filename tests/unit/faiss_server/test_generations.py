import pytest

from faiss_server.generations import Generation, Generations
from streamrec.adapters.faiss.index import FaissIndex
from streamrec.errors import Unavailable, UnknownId


def a_generation(name: str) -> Generation:
    return Generation(name, FaissIndex(2))


def test_the_newest_answers_unless_another_is_named() -> None:
    generations, first, second = Generations(), a_generation("1"), a_generation("2")
    generations.make_current(first)
    generations.make_current(second)
    assert generations.get() is second
    assert generations.get("1") is first


def test_the_one_before_the_previous_is_given_back_to_be_closed() -> None:
    generations, first = Generations(), a_generation("1")
    assert generations.make_current(first) == ()
    assert generations.make_current(a_generation("2")) == ()
    assert generations.make_current(a_generation("3")) == (first,)
    assert [generation.name for generation in generations.served] == ["3", "2"]
    with pytest.raises(UnknownId, match="'1'"):
        generations.get("1")


def test_going_back_keeps_both() -> None:
    generations, first, second = Generations(), a_generation("1"), a_generation("2")
    generations.make_current(first)
    generations.make_current(second)
    assert generations.make_current(first) == ()
    assert generations.served == (first, second)


def test_a_challenger_is_served_beside_and_takes_over_without_a_gap() -> None:
    generations, champion, challenger = Generations(), a_generation("1"), a_generation("2")
    generations.make_current(champion)
    assert generations.make_challenger(challenger) == ()
    assert (generations.get(), generations.get("2")) == (champion, challenger)
    assert generations.make_current(challenger) == ()
    assert generations.served == (challenger, champion)
    assert generations.make_challenger(champion) == ()
    assert (generations.get(), generations.challenger) == (challenger, champion)


def test_users_of_the_one_before_are_answered_while_another_challenges() -> None:
    generations, first, second, third = Generations(), *(a_generation(name) for name in "123")
    generations.make_current(first)
    generations.make_current(second)
    assert generations.make_challenger(third) == ()
    assert generations.served == (second, third, first)
    assert generations.make_challenger(None) == (third,)
    assert generations.served == (second, first)


def test_before_the_first_nothing_answers() -> None:
    with pytest.raises(Unavailable):
        Generations().get()
