"""Kafka by URL: which brokers, which topics' prefix, and how to get in."""

import re
import ssl
from collections.abc import Mapping
from importlib.util import find_spec
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from streamrec import tls_files
from streamrec.errors import ConfigurationError
from streamrec.redaction import shown_url
from streamrec.settings.processes import variables_of
from streamrec.tls_files import TlsFile, TlsFiles

FORM = "kafka://[user:password@]host:9092[,host:9092][/topic-prefix][?setting=value&...]"

CONFLUENT_REQUIREMENTS = (
    "-r requirements-confluent.txt, or outside of the repository 'streamrec[kafka-confluent]'"
)

_DEFAULT_PORT = 9092
_LAST_PORT = 65535

_PROTOCOLS = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
_MECHANISMS = ("PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512")

_FILES = ("ssl_cafile", "ssl_certfile", "ssl_keyfile", "ssl_crlfile")

_TEXTS = ("security_protocol", "sasl_mechanism", *_FILES, "ssl_password", "ssl_ciphers", "client_id")

_DEFAULT_NUMBERS = {"partitions": 4, "replication_factor": -1, "fetch_max_wait_ms": 20}
"""A replication factor of -1 is the broker's own. The wait is an empty fetch's: Apache Kafka answers one as
soon as a record comes, so a longer wait saves idle requests there; other brokers look again after a while,
and with 20 ms a record is seen 4 ms after its append (median, measured on Tansu; 28 ms with 100)."""

SETTINGS = (*_TEXTS, "ssl_check_hostname", *_DEFAULT_NUMBERS)

_CONFLUENT_NAMES = {
    "security_protocol": "security.protocol",
    "sasl_mechanism": "sasl.mechanism",
    "ssl_cafile": "ssl.ca.location",
    "ssl_certfile": "ssl.certificate.location",
    "ssl_keyfile": "ssl.key.location",
    "ssl_crlfile": "ssl.crl.location",
    "ssl_password": "ssl.key.password",
    "ssl_ciphers": "ssl.cipher.suites",
    "client_id": "client.id",
}


class Secret(str):
    """Text that drivers may use, but not show: they log their settings at DEBUG."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


class KafkaAddress(NamedTuple):
    """Contents of a Kafka URL.

    Attributes
    ----------
    shown
        The URL without its secrets, for messages.
    servers
        ``host:port`` of the brokers asked first.
    prefix
        Stands before the name of every topic and group: several systems, or tests, share one Kafka.
    texts
        Settings of both drivers, under kafka-python's names.
    partitions, replication_factor
        Of the topics that are created.
    fetch_max_wait_ms
        How long a broker keeps an empty fetch.
    """

    shown: str
    servers: tuple[str, ...]
    prefix: str
    user: str | None
    password: str | None
    texts: Mapping[str, str]
    checks_hostname: bool
    partitions: int
    replication_factor: int
    fetch_max_wait_ms: int

    @property
    def uses_tls(self) -> bool:
        """True where connections are encrypted."""
        return self.texts["security_protocol"] in ("SSL", "SASL_SSL")

    def tls_context(self) -> ssl.SSLContext:
        """Return how to encrypt and whom to trust.

        Raises
        ------
        ConfigurationError
            When a file of certificates or keys can't be used.
        """
        files = {name: TlsFile(name, self.texts[name]) for name in _FILES if name in self.texts}
        authorities = files.get("ssl_cafile")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = self.checks_hostname
        owner = f"{self.variable} {self.shown}"
        named = TlsFiles(
            authorities=authorities,
            revoked=files.get("ssl_crlfile"),
            certificate=files.get("ssl_certfile"),
            key=files.get("ssl_keyfile"),
            password=self.texts.get("ssl_password"),
        )
        tls_files.load(context, named, owner)
        if authorities is None:
            context.load_default_certs()
        if "ssl_ciphers" in self.texts:
            try:
                context.set_ciphers(self.texts["ssl_ciphers"])
            except ssl.SSLError as error:
                raise ConfigurationError(f"{owner}: its ssl_ciphers can't be used: {error}") from error
        return context

    @property
    def variable(self) -> str:
        """The environment's variable that names this address, for messages."""
        return variables_of(self.shown, "STREAMREC_EVENTS_URL", "STREAMREC_CHANGELOG_URL")

    def for_kafka_python(self) -> dict[str, Any]:
        """Return settings by kafka-python's names."""
        settings: dict[str, Any] = {
            name: value for name, value in self.texts.items() if not name.startswith("ssl_")
        }
        settings["bootstrap_servers"] = list(self.servers)
        if self.uses_tls:
            settings["ssl_context"] = self.tls_context()
        if self.user is not None:
            settings |= {"sasl_plain_username": self.user, "sasl_plain_password": Secret(self.password or "")}
        return settings

    def for_confluent(self) -> dict[str, Any]:
        """Return settings by librdkafka's names."""
        settings: dict[str, Any] = {_CONFLUENT_NAMES[name]: value for name, value in self.texts.items()}
        settings["bootstrap.servers"] = ",".join(self.servers)
        if self.uses_tls:
            checked = "https" if self.checks_hostname else "none"
            settings["ssl.endpoint.identification.algorithm"] = checked
        if self.user is not None:
            settings |= {"sasl.username": self.user, "sasl.password": self.password or ""}
        return settings


def parse_kafka_url(url: str) -> KafkaAddress:
    """Read a URL of the form `FORM`, or the same with ``kafka+confluent``; nothing is connected.

    With a user, the default is SASL_SSL and PLAIN: a password never travels unencrypted unless asked to.

    >>> address = parse_kafka_url("kafka://me:p%40ss@a,b:9093/shop.?sasl_mechanism=SCRAM-SHA-256")
    >>> address.servers, address.prefix, address.password, address.texts["security_protocol"]
    (('a:9092', 'b:9093'), 'shop.', 'p@ss', 'SASL_SSL')
    >>> address.shown
    'kafka://me:***@a,b:9093/shop.?sasl_mechanism=SCRAM-SHA-256'

    Raises
    ------
    ConfigurationError
        When it has another form, or a setting that is not known or does not fit.
    """
    shown = shown_url(url)
    parts = urlsplit(url)
    userinfo, at, hosts = parts.netloc.rpartition("@")
    user, _, password = userinfo.partition(":")
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    unknown = sorted(set(given) - set(SETTINGS))
    if unknown:
        raise ConfigurationError(f"{shown}: no setting {', '.join(unknown)}; there are {', '.join(SETTINGS)}")
    prefix = unquote(parts.path.removeprefix("/"))
    if not re.fullmatch(r"[a-zA-Z0-9._-]{0,200}", prefix):
        raise ConfigurationError(f"{shown}: a topic prefix consists of letters, digits, '.', '_' and '-'")
    numbers = {name: _number(shown, name, given, default) for name, default in _DEFAULT_NUMBERS.items()}
    address = KafkaAddress(
        shown,
        servers=_servers(shown, hosts),
        prefix=prefix,
        user=unquote(user) if at else None,
        password=unquote(password) if at else None,
        texts=MappingProxyType(_texts(shown, given, has_user=bool(at))),
        checks_hostname=given.get("ssl_check_hostname", "true").lower() != "false",
        **numbers,
    )
    if address.uses_tls:
        address.tls_context()
    return address


def require_confluent(address: KafkaAddress) -> None:
    """Say how to get confluent-kafka where it is missing.

    Raises
    ------
    ConfigurationError
        When it is.
    """
    if find_spec("confluent_kafka") is None:
        raise ConfigurationError(
            f"{address.shown} needs confluent-kafka: pip install {CONFLUENT_REQUIREMENTS}; or use kafka://"
        )


def _servers(shown: str, hosts: str) -> tuple[str, ...]:
    servers = []
    for host in hosts.split(","):
        match = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\s\[\]]+)(?::(\d{1,5}))?", host)
        if match is None or not 0 < int(match[2] or _DEFAULT_PORT) <= _LAST_PORT:
            raise ConfigurationError(f"{shown} is not of the form {FORM}")
        servers.append(f"{match[1]}:{match[2] or _DEFAULT_PORT}")
    return tuple(servers)


def _number(shown: str, name: str, given: Mapping[str, str], default: int) -> int:
    text = given.get(name, str(default))
    if not re.fullmatch(r"[1-9]\d{0,5}|-1", text) or (text == "-1" and default > 0):
        raise ConfigurationError(f"{shown}: {name} must be a positive whole number")
    return int(text)


def _texts(shown: str, given: Mapping[str, str], *, has_user: bool) -> dict[str, str]:
    texts = {"security_protocol": "SASL_SSL" if has_user else "PLAINTEXT"}
    texts |= {name: value for name, value in given.items() if name in _TEXTS}
    protocol = texts["security_protocol"]
    if protocol not in _PROTOCOLS:
        raise ConfigurationError(f"{shown}: security_protocol is one of {', '.join(_PROTOCOLS)}")
    is_sasl = protocol.startswith("SASL_")
    if is_sasl != has_user:
        need = "needs" if is_sasl else "takes no"
        raise ConfigurationError(f"{shown}: security_protocol={protocol} {need} user:password@")
    if is_sasl and texts.setdefault("sasl_mechanism", "PLAIN") not in _MECHANISMS:
        raise ConfigurationError(f"{shown}: sasl_mechanism is one of {', '.join(_MECHANISMS)}")
    if "_SSL" not in f"_{protocol}" and any(name.startswith("ssl_") for name in given):
        raise ConfigurationError(f"{shown}: ssl_ settings need security_protocol=SSL or SASL_SSL")
    return texts
