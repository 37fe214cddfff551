"""Parts that are started again, stopped in order, and told of; each a small program of its own."""

import os
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from streamrec.cli.supervision.back_off import BackOff
from streamrec.cli.supervision.control import Order, ordered, taking_orders
from streamrec.cli.supervision.output import into_file, into_folder
from streamrec.cli.supervision.part import Part, PartStatus
from streamrec.cli.supervision.supervisor import Supervisor
from streamrec.errors import ConfigurationError, InvalidInput, Unavailable
from tests.e2e.processes import eventually, left_by_a_killed

LASTING = 'echo "ready $0"; exec sleep 1000'
ENDS_LATE = (
    """trap 'sleep 0.3; echo "$0 ended" >> ended; exit 0' TERM; echo up; while :; do sleep 0.05; done"""
)
DEAF = "trap '' TERM; echo deaf; while :; do sleep 0.05; done"


def shell(name: str, script: str, stage: int = 0, patience_s: float = 30.0, *, is_once: bool = False) -> Part:
    return Part(name, ("bash", "-c", script, name), stage=stage, stop_patience_s=patience_s, is_once=is_once)


class Run:
    """A supervisor, what it wrote and what it told."""

    def __init__(self, parts: Sequence[Part]) -> None:
        self.lines: list[tuple[str, str]] = []
        self.told: list[str] = []
        self.supervisor = Supervisor(
            parts, lambda *line: self.lines.append(line), self.told.append, lambda: BackOff(0.01, 0.05, 30.0)
        )

    def of(self, name: str) -> PartStatus:
        return next(status for status in self.supervisor.status() if status.name == name)

    def wait_for_line(self, name: str, words: str, n_times: int = 1) -> None:
        def n_found() -> int:
            return sum(part == name and words in line for part, line in list(self.lines))

        eventually(lambda: n_found() >= n_times)


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Run]]:
    monkeypatch.chdir(tmp_path)
    runs: list[Run] = []

    def start(*parts: Part) -> Run:
        runs.append(Run(parts))
        runs[-1].supervisor.start()
        return runs[-1]

    yield start
    for one in runs:
        one.supervisor.close()


def is_alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_part_that_is_killed_is_started_again_and_the_others_go_on(run: Callable[..., Run]) -> None:
    ran = run(shell("one", LASTING), shell("two", LASTING))
    ran.wait_for_line("one", "ready one")
    ran.wait_for_line("two", "ready two")
    before, other = ran.of("one").pid, ran.of("two").pid
    os.kill(before, signal.SIGKILL)
    ran.wait_for_line("one", "ready one", 2)
    assert ran.of("one").pid not in (0, before)
    assert ran.of("two").pid == other
    assert any("ended by SIGKILL; it is started again in" in line for _, line in ran.lines)
    assert not ran.told  # once is no trouble


def test_one_that_keeps_ending_is_told_once_with_its_last_lines_and_the_others_go_on(
    run: Callable[..., Run],
) -> None:
    ran = run(shell("bad", "echo no model, no fun; exit 1"), shell("good", LASTING))
    eventually(lambda: ran.of("bad").n_starts >= 6)
    assert len(ran.told) == 1
    assert ran.told[0] == "bad ended with exit code 1, 3 times in a row:\nno model, no fun"
    assert "in a row" in ran.of("bad").trouble
    assert ran.of("good").state == "running"
    assert not ran.of("good").trouble


def test_an_exit_code_by_which_a_person_must_act_is_told_at_once(run: Callable[..., Run]) -> None:
    ran = run(shell("bad", "echo a setting is wrong; exit 2"))
    eventually(lambda: ran.told)
    assert ran.told[0] == "bad ended with exit code 2:\na setting is wrong"


def test_a_command_that_is_not_there_is_told(run: Callable[..., Run]) -> None:
    ran = run(Part("none", ("/no/such/program",)))
    eventually(lambda: ran.told)
    assert "/no/such/program can't be started: No such file or directory" in ran.told[0]


def test_what_is_done_once_is_done_again_only_until_it_succeeds(run: Callable[..., Run]) -> None:
    ran = run(shell("first", "[ -e tried ] && exit 0; touch tried; exit 1", is_once=True))
    eventually(lambda: ran.of("first").state == "done")
    assert ran.of("first").n_starts == 2
    assert ran.supervisor.close()


def test_parts_are_stopped_stage_by_stage_each_in_its_own_time(
    run: Callable[..., Run], tmp_path: Path
) -> None:
    ran = run(*(shell(name, ENDS_LATE, stage) for stage, name in enumerate(("below", "middle", "above"))))
    for name in ("below", "middle", "above"):
        ran.wait_for_line(name, "up")
    assert ran.supervisor.close()
    assert (tmp_path / "ended").read_text().split("\n")[:3] == ["above ended", "middle ended", "below ended"]
    ran.supervisor.start()  # one that was closed begins nothing any more
    assert {status.state for status in ran.supervisor.status()} == {"stopped"}


def test_one_that_does_not_end_is_killed_with_all_that_it_started(run: Callable[..., Run]) -> None:
    ran = run(shell("deaf", DEAF, patience_s=0.2))
    ran.wait_for_line("deaf", "deaf")
    pid = ran.of("deaf").pid
    assert not ran.supervisor.close()
    assert not is_alive(pid)
    assert ("supervisor", "deaf does not end and is killed by SIGKILL") in ran.lines


def test_workers_that_a_killed_part_leaves_behind_end_with_it(run: Callable[..., Run]) -> None:
    ran = run(shell("master", "sleep 1000 & echo worker $!; wait"))
    ran.wait_for_line("master", "worker")
    worker = int(next(line for name, line in ran.lines if name == "master").split()[1])
    os.kill(ran.of("master").pid, signal.SIGKILL)
    eventually(lambda: not is_alive(worker))


def test_a_part_that_waits_to_be_started_again_can_be_stopped_and_started(run: Callable[..., Run]) -> None:
    ran = run(shell("one", "exit 1"))
    eventually(lambda: ran.of("one").n_starts >= 2)
    assert ran.supervisor.stop("one")
    n_starts = ran.of("one").n_starts
    assert (ran.of("one").state, ran.of("one").pid) == ("stopped", 0)
    ran.supervisor.start("one")
    eventually(lambda: ran.of("one").n_starts > n_starts)


def test_orders_come_by_a_socket_for_this_user_alone(run: Callable[..., Run]) -> None:
    ran = run(shell("one", LASTING), shell("two", LASTING))
    path = Path("var/control-8000.sock")
    path.parent.mkdir()
    path.touch()  # of one that was killed
    with taking_orders(ran.supervisor, path):
        assert path.stat().st_mode & 0o077 == 0
        ran.wait_for_line("one", "ready one")
        before = {part.name: part.pid for part in ordered(path, Order("status"))}
        after = {part.name: part.pid for part in ordered(path, Order("restart", ["one"]))}
        assert after["two"] == before["two"]
        assert after["one"] != before["one"]
        stopped = {part.name: part.state for part in ordered(path, Order("stop", ["two"]))}
        assert stopped["two"] == "stopped"
        with pytest.raises(InvalidInput, match="no part 'six'; there are one, two"):
            ordered(path, Order("stop", ["one", "six"]))
        assert ran.of("one").state != "stopped"
    with pytest.raises(Unavailable):
        ordered(path, Order("status"))


def test_a_supervisor_that_is_killed_leaves_no_process_behind(tmp_path: Path) -> None:
    code = (
        "from streamrec.cli.supervision.supervisor import Supervisor\n"
        "from streamrec.cli.supervision.part import Part\n"
        "supervisor = Supervisor([Part('one', ('sleep', '1000')), Part('two', ('sleep', '1000'))],\n"
        "    lambda *line: None, print)\n"
        "supervisor.start()\n"
        "import time; time.sleep(1000)"
    )
    assert not left_by_a_killed(code, tmp_path, n_started=2)


def test_lines_go_into_one_file_with_names_or_into_a_file_each(tmp_path: Path) -> None:
    path = tmp_path / "log" / "all.log"
    with closing(into_file(path)) as write:
        write("one", "before")
    with closing(into_file(path)) as write:
        write("one", "100 % of it: %d {}")
        write("two", "\ud800 ü")
    assert "before" in path.with_name("all.log.1").read_text()
    lines = path.read_text("utf-8").splitlines()
    assert lines[0].endswith(" one         | 100 % of it: %d {}")
    assert len(lines) == 2
    with closing(into_folder(tmp_path / "each")) as write:
        write("one", "first")
        write("two", "second")
    assert (tmp_path / "each" / "one.log").read_text() == "first\n"
    with pytest.raises(ConfigurationError, match="all.log/x/supervisor.log can't be written"):
        into_folder(path / "x")


def test_a_full_disk_costs_lines_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "full.log"
    path.symlink_to("/dev/full")
    with closing(into_file(path)) as write:
        write("one", "lost")
    assert capsys.readouterr().err == ""


def test_a_screen_and_a_log_that_can_not_be_written_end_no_part(tmp_path: Path) -> None:
    def tell(_text: str) -> None:
        raise OSError(28, "No space left on device")

    folder = tmp_path / "log"
    with closing(into_folder(folder)) as write:
        (folder / "bad.log").mkdir()  # where a file should be
        supervisor = Supervisor(
            [shell("bad", "echo words; exit 2")], write, tell, lambda: BackOff(0.01, 0.05)
        )
        supervisor.start()
        eventually(lambda: supervisor.status()[0].n_starts >= 3)
        assert supervisor.status()[0].trouble.endswith("words")
        assert supervisor.close()
    assert "bad ended with exit code 2" in (folder / "supervisor.log").read_text()


def test_pauses_are_bounded_however_often_a_part_ends() -> None:
    pauses = BackOff(0.5, 30.0, 30.0)
    started = time.monotonic()
    assert [pauses.after(0.0) for _ in range(5000)][-1] == 30.0
    assert time.monotonic() - started < 30.0
