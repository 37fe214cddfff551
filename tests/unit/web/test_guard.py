"""Which services refuse to start: those that everybody could use from elsewhere."""

import socket
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from streamrec.errors import ConfigurationError
from streamrec.settings.access import AccessSettings, KeysOf
from streamrec.web.gunicorn import guarded


@pytest.fixture
def keys(tmp_path: Path) -> Path:
    path = tmp_path / "keys"
    path.write_text("key\n")
    return path


@pytest.mark.parametrize("keys_of", ["api_keys_file", "index_keys_file"])
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "[::]", "192.0.2.1", "2001:db8::1", "somewhere"])
def test_beyond_this_machine_keys_are_needed(keys_of: KeysOf, host: str, keys: Path) -> None:
    hosts = ["127.0.0.1", host]
    with pytest.raises(ConfigurationError, match=f"reaches .*STREAMREC_{keys_of.upper()} .*ALLOW_OPEN=1"):
        AccessSettings().check(keys_of, hosts)
    # With admin keys alone it is still open to read, and to send events.
    with pytest.raises(ConfigurationError):
        AccessSettings(admin_keys_file=keys).check(keys_of, hosts)
    AccessSettings.model_validate({keys_of: keys}).check(keys_of, hosts)
    AccessSettings(allow_open=True).check(keys_of, hosts)
    AccessSettings().check(keys_of, ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])


@pytest.mark.parametrize("name", ["api_keys_file", "admin_keys_file"])
def test_a_file_that_lets_nobody_in_is_told_at_the_start(name: str, tmp_path: Path) -> None:
    settings = AccessSettings.model_validate({name: tmp_path / "missing", "allow_open": True})
    with pytest.raises(ConfigurationError, match="missing can't be read"):
        settings.check("api_keys_file", ["127.0.0.1"])


@pytest.fixture
def bound() -> Iterator[dict[str, socket.socket]]:
    with socket.socket() as here, socket.socket() as anywhere, socket.socket(socket.AF_UNIX) as unix:
        here.bind(("127.0.0.1", 0))
        anywhere.bind(("0.0.0.0", 0))
        yield {"here": here, "anywhere": anywhere, "unix": unix}


@pytest.mark.parametrize(("name", "is_let"), [("here", True), ("unix", True), ("anywhere", False)])
def test_the_listeners_are_looked_at_and_not_what_they_were_called(
    bound: dict[str, socket.socket], name: str, is_let: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    server: Any = SimpleNamespace(
        LISTENERS=[SimpleNamespace(sock=bound[name])], address=[("127.0.0.1", 8000)]
    )
    hook = guarded("recommender", "api_keys_file")
    monkeypatch.setattr("streamrec.web.gunicorn.configure_logging", lambda level, service: None)
    if is_let:
        hook(server)
        return
    with capture_logs() as logs, pytest.raises(SystemExit) as ended:
        hook(server)
    assert ended.value.code == 3
    assert "reaches 0.0.0.0" in logs[0]["error"]


def test_where_workers_bind_by_themselves_the_setting_is_looked_at() -> None:
    server: Any = SimpleNamespace(LISTENERS=[], address=[("0.0.0.0", 8000)])
    with pytest.raises(SystemExit):
        guarded("index", "index_keys_file")(server)
