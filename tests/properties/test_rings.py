"""What users chose before an event is what lists of all their choices say."""

from collections import defaultdict

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from streamrec.learning.sampling import RecentItems

LENGTH, N_USERS, N_ITEMS = 6, 4, 7

EVENTS = st.lists(st.tuples(st.integers(0, N_USERS - 1), st.integers(0, N_ITEMS - 1)), max_size=30)


def distinct_before(past: list[int], item: int, n: int) -> list[int]:
    """Return the last items but one, the newest first, each once, -1 at the end."""
    newest_first = [one for one in past[-LENGTH:][::-1] if one not in (item, -1)]
    found = list(dict.fromkeys(newest_first))[:n]
    return found + [-1] * (n - len(found))


@given(st.lists(EVENTS, max_size=4), st.integers(1, LENGTH), st.integers(0, N_ITEMS))
def test_histories_are_those_of_lists(batches: list[list[tuple[int, int]]], n: int, gone: int) -> None:
    recent, lists = RecentItems(LENGTH), defaultdict[int, list[int]](list)
    for number, batch in enumerate(batches):
        users, items = (np.array([pair[at] for pair in batch], np.int64) for at in (0, 1))
        found, are_again = recent.before(users, items, n)
        assert found.shape == (len(batch), n)
        for (user, item), of_event, is_again in zip(batch, found.tolist(), are_again.tolist(), strict=True):
            assert of_event == distinct_before(lists[user], item, n)
            assert is_again == (item in lists[user][-LENGTH:])
            lists[user].append(item)
        recent.add(users, items)
        newest = recent.newest(np.arange(N_USERS + 1), n)
        assert [of_user.tolist() for of_user in newest] == [
            [item for item in lists[user][-LENGTH:][-n:] if item >= 0] for user in range(N_USERS + 1)
        ]
        if number == 1:
            recent.forget_items(np.array([gone]))
            for past in lists.values():
                past[:] = [-1 if item == gone else item for item in past]
            # Its row may be another's once all rings were gone through.
            recent.gone.begin()
            recent.gone.go_on()
            recent.gone.settle(np.array([gone]))
