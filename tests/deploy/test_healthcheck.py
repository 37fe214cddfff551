"""The health check of our images."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from streamrec.cli.launch.local_servers import free_port
from tests.deploy.compose_file import ROOT


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        body = b'{"status":"not ready"}'
        self.send_response(200 if self.path == "/ready" else 503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None: ...


@pytest.fixture
def url() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Answers) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def check(url: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(ROOT / "deploy/healthcheck.py"), url]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_service_that_is_ready_is_healthy(url: str) -> None:
    assert check(f"{url}/ready").returncode == 0


def test_one_that_is_not_is_not_and_the_reason_is_told(url: str) -> None:
    found = check(f"{url}/elsewhere")
    assert found.returncode == 1
    assert "503" in found.stderr
    assert "not ready" in found.stderr


def test_nobody_is_not_healthy() -> None:
    found = check(f"http://127.0.0.1:{free_port()}/ready")
    assert found.returncode == 1
    assert "refused" in found.stderr
