"""Choices that were taken in and are not published, in any order of sending, learning and asking."""

from hypothesis import given
from hypothesis import strategies as st

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.events.weights import EventWeights
from streamrec.domain.users.user import UserState
from streamrec.serving.users.accepted import MAX_CHOICES, AcceptedChoices

N_TIMED, N_RECENT = 20, 50
"""Of the newest items in a user's document, those with times and all."""

WEIGHTS = EventWeights({})

Chosen = list[tuple[str, int]]


def document_of(learned: Chosen) -> UserState:
    recent = learned[-N_RECENT:]
    return UserState(
        "u",
        "g1",
        None,
        recent=tuple(item for item, _ in recent),
        n_events=len(learned),
        recent_at=tuple(at for _, at in recent[-N_TIMED:]),
    )


steps = st.one_of(
    st.tuples(st.just("accept"), st.integers(1, 30)),
    st.tuples(st.just("learn"), st.integers(1, 40)),
    st.tuples(st.just("ask"), st.just(0)),
)


@given(moves=st.lists(steps, max_size=20), n_items=st.integers(1, 40), way=st.integers(-7, 7))
def test_what_is_held_is_what_is_not_learned_yet(
    moves: list[tuple[str, int]], n_items: int, way: int
) -> None:
    """Whichever way the sender's clock goes, as long as no two of its choices are the same."""
    accepted, log, n_learned = AcceptedChoices(lambda: 0.0), Chosen(), 0
    for move, n in [*moves, ("ask", 0)]:
        if move == "accept":
            new = [
                (f"i{number % n_items}", 10_000 + way * number) for number in range(len(log), len(log) + n)
            ]
            new = [one for one in dict.fromkeys(new) if one not in log]
            log += new
            accepted.note([Interaction("u", item, float(at)) for item, at in new], WEIGHTS)
        elif move == "learn":
            n_learned = min(len(log), n_learned + n)
        else:
            held = accepted.unpublished("u", document_of(log[:n_learned]))
            expected = log[n_learned:][-MAX_CHOICES:]
            assert [(one.item_id, one.second) for one in held] == expected
