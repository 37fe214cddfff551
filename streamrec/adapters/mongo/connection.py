"""Address of MongoDB, limits of time, and translation of its driver's errors."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from bson.errors import InvalidDocument, InvalidStringData
from pymongo.errors import (
    BulkWriteError,
    DocumentTooLarge,
    InvalidName,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)
from pymongo.errors import ConfigurationError as DriverConfigurationError
from pymongo.monitoring import (
    CommandFailedEvent,
    CommandListener,
    CommandStartedEvent,
    CommandSucceededEvent,
)
from pymongo.read_concern import ReadConcern
from pymongo.uri_parser import parse_uri
from pymongo.write_concern import WriteConcern

from streamrec import tls_files
from streamrec.errors import ConfigurationError, InvalidInput, StreamrecError, Unavailable
from streamrec.faults.points import fault_point, is_armed
from streamrec.redaction import shown_url
from streamrec.tls_files import TlsFile, TlsFiles

Document = dict[str, Any]

DEFAULT_DATABASE = "streamrec"

SERVER_TIMEOUT_S = 5.0
"""A server's caller has given up long before; a connection that is silent for so long is dropped."""

TRAINER_TIMEOUT_S = 30.0
"""Thousands of upserts on a store that is busy; the trainer repeats what takes longer."""

DUPLICATE_KEY = 11000
COLLECTION_EXISTS = 48
VALIDATION_FAILED = 121

MAJORITY = WriteConcern(w="majority", j=True)
MAJORITY_READ = ReadConcern("majority")

_CHANGING = frozenset({"insert", "update", "delete", "findAndModify", "create", "createIndexes", "collMod"})

_REFUSED = frozenset({13, 18, 8000})
"""Unauthorized, AuthenticationFailed, and the latter's code on Atlas."""

_TOO_LARGE = frozenset({10334, 17280, 17419, 17420})
"""Documents beyond 16 MB and keys beyond what an index takes, by several of the server's checks."""

_LONGEST_REASON = 200
"""Characters of what the driver says."""

_CODE = re.compile(r"'code': (\d+)")

_DEFAULTS: dict[str, Any] = {
    "appname": "streamrec",
    # A server that is gone is told of within this; an election takes longer, and the caller's retries outlast
    # it. With the driver's limit of a whole operation (timeoutMS) every call would wait for all of that time.
    "serverSelectionTimeoutMS": 2000,
    "connectTimeoutMS": 2000,
    "waitQueueTimeoutMS": 2000,
    # What the trainer has published is not read again after a checkpoint: it must outlive a power cut and an
    # election. On the journal of one server that costs a tenth of a millisecond a publication.
    "w": "majority",
    "journal": True,
    # Of a document with a text that is no UTF-8, or a date of the year 60,000, the driver would read nothing,
    # nor of those beside it. What is odd is read as it stands, and found by whoever looks at it.
    "unicode_decode_error_handler": "replace",
    "datetime_conversion": "DATETIME_AUTO",
}


class _WritePoints(CommandListener):
    """A fault point before each command that changes something; the driver lets none fail here."""

    def started(self, event: CommandStartedEvent) -> None:
        if event.command_name in _CHANGING:
            fault_point("mongo", f"{event.command_name} {event.command[event.command_name]}")

    def succeeded(self, event: CommandSucceededEvent) -> None:
        pass

    def failed(self, event: CommandFailedEvent) -> None:
        pass


class MongoAddress(NamedTuple):
    """A checked URL, and the database that it names."""

    url: str
    database: str

    def options(self, timeout_s: float) -> dict[str, Any]:
        """Return the driver's options: ours, where the URL does not say otherwise.

        Parameters
        ----------
        timeout_s
            Longest silence of MongoDB while it works on something.
        """
        named = {key.lower() for key, _ in parse_qsl(urlsplit(self.url).query, keep_blank_values=True)}
        wanted = _DEFAULTS | {"socketTimeoutMS": round(timeout_s * 1000)}
        if named & {"w", "journal"}:
            named |= {"w", "journal"}
        options = {key: value for key, value in wanted.items() if key.lower() not in named}
        return options | {"event_listeners": [_WritePoints()]} if is_armed() else options


def address_of(url: str) -> MongoAddress:
    """Check a ``mongodb://[user:password@]host[:port][,...]/[database][?option=value...]`` URL.

    >>> address_of("mongodb://127.0.0.1:27017/"), address_of("mongodb://a,b/films?replicaSet=rs").database
    (MongoAddress(url='mongodb://127.0.0.1:27017/', database='streamrec'), 'films')

    Raises
    ------
    ConfigurationError
        When it is none, or holds an option that the driver does not know.
    """
    try:
        tls_files.check(_files_of(url), f"STREAMREC_STORE_URL {shown_url(url)}")
        # The other scheme's hosts stand in the DNS, which is not to be asked before the first use.
        if not url.startswith("mongodb+srv://"):
            parse_uri(url)
        database = unquote(urlsplit(url).path.removeprefix("/")) or DEFAULT_DATABASE
    except (PyMongoError, ValueError, OSError) as error:
        raise ConfigurationError(
            f"STREAMREC_STORE_URL {shown_url(url)} is not of the form mongodb://[user:password@]host/[database]:"
            f" {error}"
        ) from error
    return MongoAddress(url, database)


def _files_of(url: str) -> TlsFiles:
    query = parse_qsl(urlsplit(url).query, keep_blank_values=True)
    named = {name.lower(): (name, value) for name, value in query}
    files = {name: TlsFile(*entry) for name, entry in named.items()}
    password = named.get("tlscertificatekeyfilepassword")
    return TlsFiles(
        authorities=files.get("tlscafile"),
        revoked=files.get("tlscrlfile"),
        certificate=files.get("tlscertificatekeyfile"),
        password=password and password[1],
    )


@contextmanager
def translated_errors(address: MongoAddress) -> Iterator[None]:
    """Turn the driver's errors into ours, with the URL and what to do."""
    try:
        yield
    except (PyMongoError, InvalidDocument, InvalidStringData, OverflowError, UnicodeEncodeError) as error:
        raise _translated(error, shown_url(address.url)) from error


def _translated(error: Exception, url: str) -> StreamrecError:
    reason = _reason(error)
    codes = codes_of(error)
    if codes & _REFUSED:
        return ConfigurationError(
            f"STREAMREC_STORE_URL {url}: MongoDB refused us: {reason}; correct user, password or authSource"
        )
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return ConfigurationError(
            f"STREAMREC_STORE_URL {url}: its certificate is not trusted ({reason}); name who vouches for it"
            " in tlsCAFile"
        )
    if isinstance(error, DriverConfigurationError | InvalidName):
        return ConfigurationError(f"STREAMREC_STORE_URL {url}: {reason}")
    if not isinstance(error, PyMongoError) or isinstance(error, DocumentTooLarge) or codes & _TOO_LARGE:
        return InvalidInput(f"MongoDB can't hold this: {reason}")
    return Unavailable(f"{url}: {reason}")


def codes_of(error: Exception) -> set[int]:
    """Return MongoDB's codes of what went wrong."""
    if isinstance(error, BulkWriteError):
        return {entry["code"] for entry in error.details["writeErrors"]}
    if isinstance(error, ServerSelectionTimeoutError):
        # While it looks for a server, the driver only quotes what they said.
        return {int(code) for code in _CODE.findall(str(error))}
    return {error.code} if isinstance(error, OperationFailure) and error.code is not None else set()


def _reason(error: Exception) -> str:
    """Return one short line; the driver appends its view of all servers, MongoDB the whole command."""
    return _said(error).partition("\n")[0][:_LONGEST_REASON]


def _said(error: Exception) -> str:
    if isinstance(error, BulkWriteError):
        entries = error.details["writeErrors"] or error.details["writeConcernErrors"]
        return str(entries[0].get("errmsg", "")) if entries else "bulk write failed"
    return str(error).partition(", Timeout:")[0].partition(", full error:")[0]
