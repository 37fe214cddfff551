"""TLS and SASL settings of a URL, as they arrive at the other side."""

import logging
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest

from streamrec.adapters.opening import open_event_sink, open_event_source
from streamrec.cli.launch.local_servers import KAFKA, LocalServer, free_port
from streamrec.errors import ConfigurationError, Unavailable
from streamrec.ports import INTERACTIONS, Message
from tests.conftest import running

_API_VERSIONS, _SASL_HANDSHAKE, _SASL_AUTHENTICATE = 18, 17, 36
_UNSUPPORTED_VERSION, _SASL_AUTHENTICATION_FAILED = 35, 58


class Relay:
    """Takes TLS connections and passes what they say to a port of this machine, and back."""

    def __init__(self, certificate: Path, port: int, target_port: int) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self._target_port = target_port
        self._listening = socket.create_server(("127.0.0.1", port))
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.n_encrypted = 0
        self._start(self._accept)

    def _start(self, work: Callable[[], None]) -> None:
        self._threads.append(threading.Thread(target=work, daemon=True))
        self._threads[-1].start()

    def _accept(self) -> None:
        while True:
            try:
                plain, _ = self._listening.accept()
            except OSError:
                return
            try:
                client: socket.socket = self._context.wrap_socket(plain, server_side=True)
            except OSError:
                plain.close()
                continue
            self.n_encrypted += 1
            broker = socket.create_connection(("127.0.0.1", self._target_port))
            self._sockets += [client, broker]
            self._start(lambda a=client, b=broker: pump(a, b))  # type: ignore[misc]
            self._start(lambda a=broker, b=client: pump(a, b))  # type: ignore[misc]

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for connection in self._sockets:
            shut(connection)
        for thread in self._threads:
            thread.join(5.0)
        for connection in self._sockets:
            connection.close()


def pump(source: socket.socket, target: socket.socket) -> None:
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    shut(target)


def shut(connection: socket.socket) -> None:
    with suppress(OSError):
        # Not the TLS way of saying goodbye: the other thread may be reading.
        socket.socket.shutdown(connection, socket.SHUT_RDWR)


@pytest.fixture
def relay(certificate: Path, tmp_path: Path) -> Iterator[tuple[Relay, int]]:
    """A broker that is reached, and says so, over TLS only."""
    port = free_port()

    def arguments(listen_port: int, _folder: Path) -> list[str]:
        listen, advertise = f"tcp://127.0.0.1:{listen_port}", f"tcp://127.0.0.1:{port}"
        return ["broker", "--silent", "--listener-url", listen, "--advertised-listener-url", advertise]

    servers = running(KAFKA._replace(arguments=arguments), tmp_path)
    broker: LocalServer = next(servers)
    relay = Relay(certificate, port, broker.port)
    yield relay, port
    relay.close()
    next(servers, None)


@pytest.mark.parametrize("scheme", ["kafka", "kafka+confluent"])
def test_events_travel_over_tls(scheme: str, relay: tuple[Relay, int], certificate: Path) -> None:
    server, port = relay
    url = f"{scheme}://127.0.0.1:{port}/?security_protocol=SSL&ssl_cafile={certificate}"
    sink, source = open_event_sink(url), open_event_source(url, [INTERACTIONS], "trainer")
    sink.append(INTERACTIONS, [Message("u", b"secret matters")])
    (record,) = source.poll(10, 10.0)
    assert record.value == b"secret matters"
    assert server.n_encrypted > 3
    source.close()
    sink.close()


def test_a_certificate_that_nobody_vouches_for_is_refused(relay: tuple[Relay, int]) -> None:
    sink = open_event_sink(f"kafka://127.0.0.1:{relay[1]}/?security_protocol=SSL")
    with pytest.raises(ConfigurationError, match="certificate of .* is not trusted .*STREAMREC_EVENTS_URL"):
        sink.check()
    sink.close()


def test_a_broker_without_tls_is_told_within_a_bounded_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        sink = open_event_sink(f"kafka://127.0.0.1:{port}/?security_protocol=SSL")
        with pytest.raises(Unavailable, match="timed out"):
            sink.check()
        sink.close()


class RefusingBroker:
    """Speaks as much of Kafka's protocol as it takes to ask for a password, and to refuse it."""

    def __init__(self) -> None:
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self.tokens: list[bytes] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)
        self._thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                self._converse(connection)

    def _converse(self, connection: socket.socket) -> None:
        try:
            while head := connection.recv(4, socket.MSG_WAITALL):
                request = connection.recv(struct.unpack(">i", head)[0], socket.MSG_WAITALL)
                api, version, correlation = struct.unpack(">hhi", request[:8])
                answer = struct.pack(">i", correlation) + self._answer(api, version, request)
                connection.sendall(struct.pack(">i", len(answer)) + answer)
        except OSError:
            pass

    def _answer(self, api: int, version: int, request: bytes) -> bytes:
        if api == _API_VERSIONS:
            served = {0: (3, 7), 1: (4, 11), 2: (1, 5), 3: (1, 8), _SASL_HANDSHAKE: (1, 1)}
            served |= {_API_VERSIONS: (0, 0), _SASL_AUTHENTICATE: (0, 0)}
            rows = b"".join(struct.pack(">hhh", key, *versions) for key, versions in served.items())
            return struct.pack(">hi", _UNSUPPORTED_VERSION if version else 0, len(served)) + rows
        if api == _SASL_HANDSHAKE:
            return struct.pack(">hi", 0, 1) + struct.pack(">h", 5) + b"PLAIN"
        self.tokens.append(request)
        message = b"no such user or password"
        return struct.pack(">hh", _SASL_AUTHENTICATION_FAILED, len(message)) + message + struct.pack(">i", 0)

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5.0)


@pytest.fixture
def refusing() -> Iterator[RefusingBroker]:
    broker = RefusingBroker()
    yield broker
    broker.close()


def test_a_wrong_password_is_one_clear_line_without_it(refusing: RefusingBroker) -> None:
    url = (
        f"kafka://me:s3cr%40t@127.0.0.1:{refusing.port}?security_protocol=SASL_PLAINTEXT&sasl_mechanism=PLAIN"
    )
    source = open_event_source(url, [INTERACTIONS], "trainer")
    with pytest.raises(ConfigurationError, match=r"me:\*\*\*@.* refuses: SaslAuthenticationFailed") as caught:
        source.poll(10, 0.1)
    assert "s3cr" not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "STREAMREC_EVENTS_URL" in str(caught.value)
    assert refusing.tokens[0].endswith(b"\x00me\x00s3cr@t")
    source.close()


def test_a_refusal_is_heard_also_where_little_is_logged(refusing: RefusingBroker) -> None:
    kafka = logging.getLogger("kafka")
    level = kafka.level
    kafka.setLevel(logging.CRITICAL)
    try:
        url = f"kafka://me:secret@127.0.0.1:{refusing.port}?security_protocol=SASL_PLAINTEXT&sasl_mechanism=PLAIN"
        with closing(open_event_sink(url)) as sink, pytest.raises(ConfigurationError, match="refuses"):
            sink.check()
    finally:
        kafka.setLevel(level)


def test_a_real_broker_that_knows_no_such_user_refuses(tmp_path: Path) -> None:
    def arguments(port: int, folder: Path) -> list[str]:
        return [*KAFKA.arguments(port, folder), "--authentication"]

    scram = "security_protocol=SASL_PLAINTEXT&sasl_mechanism=SCRAM-SHA-256"
    with contextmanager(running)(KAFKA._replace(arguments=arguments), tmp_path) as server:
        url = f"kafka://me:s3cret@127.0.0.1:{server.port}?{scram}"
        with (
            closing(open_event_sink(url)) as sink,
            pytest.raises(ConfigurationError, match=r"me:\*\*\*@.* refuses: its answer to SCRAM-SHA-256"),
        ):
            sink.append(INTERACTIONS, [Message("u", b"x")])
