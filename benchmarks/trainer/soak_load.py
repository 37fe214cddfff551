"""Load that grows without end: ever new items, categories, types of events, and users who come back.

Everything that a bound is promised for is made more of all the while: items come and go, the same few users
return, dislike, repeat themselves and are erased, and every tenth record is none.
"""

import random
import time
from collections import Counter, deque
from threading import Event

from streamrec.cli.service_call import Service
from streamrec.domain.users.steps import MAX_STEPS
from streamrec.errors import StreamrecError, UnknownId

N_USERS = 300
N_LIVING_ITEMS = 400
_ITEMS_OF_ROUND = 4
_EVENTS_OF_ROUND = 50
_ROUNDS_OF_CATEGORY = 20


class Load:
    """Sends rounds to the recommender: some new items in, the oldest out, events of everybody, questions.

    Attributes
    ----------
    n_events, n_items, n_erased, n_failed
        Sent, put, erased, and calls that failed, up to now.
    failures
        Reasons, and how often each.
    """

    def __init__(self, recommender: Service, n_living_items: int = N_LIVING_ITEMS, seed: int = 7) -> None:
        self._recommender = recommender
        self._chance = random.Random(seed)
        self._n_living_items = n_living_items
        self._living: deque[str] = deque()
        self._n_rounds = 0
        self.failures: Counter[str] = Counter()
        self.n_events = self.n_items = self.n_erased = self.n_failed = 0

    def begin(self) -> None:
        """Fill the steps of all users, which rounds alone would take minutes to."""
        self._renew_items()
        for number in range(N_USERS):
            of_user = {"type": "impression", "user_id": f"user-{number}"}
            self._call("POST", "/v1/events", [self._event() | of_user for _ in range(MAX_STEPS)])
            self.n_events += MAX_STEPS

    def run(self, is_over: Event, rounds_per_s: float) -> None:
        """Send rounds until told to stop, no faster than wanted."""
        due = time.monotonic()
        while not is_over.is_set():
            self.round()
            due = max(due + 1 / rounds_per_s, time.monotonic() - 1)
            is_over.wait(max(0.0, due - time.monotonic()))

    def round(self) -> None:
        """Do a bit of everything."""
        self._n_rounds += 1
        self._renew_items()
        self._call("POST", "/v1/events", [self._event() for _ in range(_EVENTS_OF_ROUND)])
        self.n_events += _EVENTS_OF_ROUND
        user_id = self._user()
        self._call("GET", f"/v1/recommendations?user_id={user_id}&k=10")
        self._call("GET", f"/v1/items/{self._chance.choice(self._living)}/similar?k=5")
        if self._n_rounds % 5 == 0:
            self._call("DELETE", f"/v1/users/{user_id}")
            self.n_erased += 1

    def _renew_items(self) -> None:
        category = f"category-{self._n_rounds // _ROUNDS_OF_CATEGORY}"
        ids = [f"item-{self.n_items + number}" for number in range(_ITEMS_OF_ROUND)]
        self.n_items += len(ids)
        items = [
            {
                "item_id": id_,
                "title": f"Title of {id_}",
                "categories": [category],
                "attributes": {"tags": [f"tag of {id_}"]},
            }
            for id_ in ids
        ]
        self._call("PUT", "/v1/items", items)
        self._living.extend(ids)
        while len(self._living) > self._n_living_items:
            self._call("DELETE", f"/v1/items/{self._living.popleft()}")

    def _event(self) -> dict[str, object]:
        kinds = ("view", "impression", "dislike", f"kind-{self._n_rounds // 10}")
        return {
            "user_id": self._user(),
            "item_id": self._chance.choice(self._living),
            "timestamp": time.time(),
            "type": self._chance.choices(kinds, (70, 15, 5, 10))[0],
            "value": self._chance.random() * 100,
            "event_id": f"event-{self.n_events}-{self._chance.random()}",
        }

    def _user(self) -> str:
        return f"user-{self._chance.randrange(N_USERS)}"

    def _call(self, method: str, path: str, body: object = None) -> None:
        try:
            self._recommender.call(method, path, body)
        except UnknownId:
            pass  # nobody has learned of it yet
        except StreamrecError as error:
            self.n_failed += 1
            self.failures[str(error)[:200]] += 1
