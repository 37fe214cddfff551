from streamrec.cli.training.forward_clock import ForwardClock


class Machine:
    """A clock that may be set, and one that may not."""

    def __init__(self) -> None:
        self.now, self.running_s = 1000.0, 0.0
        self.clock = ForwardClock(lambda: self.now, lambda: self.running_s)

    def pass_time(self, seconds: float) -> None:
        self.now += seconds
        self.running_s += seconds


def test_seconds_go_on_from_where_a_clock_was_set_back() -> None:
    machine = Machine()
    assert machine.clock() == 1000.0
    machine.now -= 3600.0
    told = []
    for _ in range(3):
        machine.pass_time(1.0)
        told.append(machine.clock())
    assert told == [1001.0, 1002.0, 1003.0]
    machine.pass_time(3600.0)
    assert machine.clock() == 4603.0
    machine.now += 3600.0  # set right again
    assert machine.clock() == machine.now


def test_a_clock_that_is_set_forward_is_followed_at_once() -> None:
    machine = Machine()
    machine.clock()
    machine.now += 86_400.0
    assert machine.clock() == machine.now


def test_a_process_goes_on_from_the_time_that_one_before_told() -> None:
    machine = Machine()
    machine.clock.go_on_from(4600.0)
    machine.pass_time(1.0)
    assert machine.clock() == 4601.0
    machine.clock.go_on_from(4000.0)
    machine.pass_time(3600.0)
    assert machine.clock() == 8201.0
    machine.now += 86_400.0
    assert machine.clock() == machine.now
