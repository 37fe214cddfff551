import threading

import pytest

from streamrec.adapters.kafka.in_flight import InFlight
from streamrec.errors import Overloaded


def test_what_does_not_fit_is_refused_with_a_time_to_come_back() -> None:
    in_flight = InFlight(100, patience_s=0.01)
    with in_flight.room(80):
        with in_flight.room(20):
            pass
        with pytest.raises(Overloaded, match="80 bytes wait") as caught, in_flight.room(21):
            pass
    assert caught.value.retry_after_s > 0
    with in_flight.room(100):
        pass


def test_what_is_larger_than_all_the_room_goes_alone() -> None:
    in_flight = InFlight(100, patience_s=0.01)
    with in_flight.room(1_000), pytest.raises(Overloaded), in_flight.room(1):
        pass


def test_room_is_given_back_after_a_failure() -> None:
    in_flight = InFlight(100, patience_s=0.01)
    with pytest.raises(ValueError, match="no"), in_flight.room(100):
        raise ValueError("no")
    with in_flight.room(100):
        pass


def test_a_sender_waits_for_room() -> None:
    in_flight = InFlight(100, patience_s=60.0)
    has_room = threading.Event()

    def send() -> None:
        with in_flight.room(60):
            has_room.set()

    sender = threading.Thread(target=send)
    with in_flight.room(60):
        sender.start()
        assert not has_room.wait(0.05)
    assert has_room.wait(60.0)
    sender.join()
