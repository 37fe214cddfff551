"""Files of certificates and keys that a URL names: looked at before they are used.

The drivers read them when they connect, and would tell of one that is missing as of a server that is away.
"""

import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from streamrec.errors import ConfigurationError


class TlsFile(NamedTuple):
    """A file, and the setting that names it."""

    setting: str
    path: str


class TlsFiles(NamedTuple):
    """Files and password that a URL names; None where it names none.

    Attributes
    ----------
    authorities
        Certificates of the authorities that are trusted to vouch for the server.
    revoked
        The list of certificates that no longer count.
    certificate, key
        By which the server knows us; the key may stand in the certificate's file.
    password
        Of the key.
    """

    authorities: TlsFile | None = None
    revoked: TlsFile | None = None
    certificate: TlsFile | None = None
    key: TlsFile | None = None
    password: str | None = None


def load(context: ssl.SSLContext, files: TlsFiles, owner: str) -> None:
    """Load what is named into a context.

    Parameters
    ----------
    owner
        The variable and the URL that name the files, for messages.

    Raises
    ------
    ConfigurationError
        When a file is not there, can't be read, or holds something else; it names setting and file.
    """
    try:
        _load(context, files)
    except ValueError as error:
        raise ConfigurationError(f"{owner}: {error}") from error


def check(files: TlsFiles, owner: str) -> None:
    """See that a context can load what is named.

    Raises
    ------
    ConfigurationError
        As `load` does.
    """
    load(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), files, owner)


def _load(context: ssl.SSLContext, files: TlsFiles) -> None:
    for file in (files.authorities, files.revoked, files.certificate, files.key):
        if file is not None and (problem := _why_unreadable(file.path)) is not None:
            raise ValueError(f"{file.setting} {file.path!r} {problem}")
    for file, kind, what in _sought(files):
        n_before = context.cert_store_stats()[kind]
        _load_authorities(context, file, what)
        if context.cert_store_stats()[kind] == n_before:
            raise ValueError(f"{file.setting} {file.path!r} holds no {what}")
    if files.revoked is not None:
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
    if files.certificate is not None:
        _load_own(context, files.certificate, files.key, files.password)


def _why_unreadable(path: str) -> str | None:
    try:
        with Path(path).open("rb") as file:
            file.read(1)
    except FileNotFoundError:
        return "is not there"
    except IsADirectoryError:
        return "is a folder; wanted is a file in it"
    except (OSError, ValueError) as error:
        return f"can't be read: {getattr(error, 'strerror', None) or error}"
    return None


def _sought(files: TlsFiles) -> Iterator[tuple[TlsFile, str, str]]:
    if files.authorities is not None:
        yield files.authorities, "x509", "certificate"
    if files.revoked is not None:
        yield files.revoked, "crl", "list of revoked certificates"


def _load_authorities(context: ssl.SSLContext, file: TlsFile, what: str) -> None:
    try:
        context.load_verify_locations(file.path)
    except ssl.SSLError as error:
        raise ValueError(f"{file.setting} {file.path!r} holds no {what} ({_said(error)})") from error


def _load_own(
    context: ssl.SSLContext, certificate: TlsFile, key: TlsFile | None, password: str | None
) -> None:
    try:
        # Without any password OpenSSL would ask at the terminal for that of a key that has one.
        context.load_cert_chain(certificate.path, key and key.path, password or "")
    except ssl.SSLError as error:
        file = key or certificate
        raise ValueError(
            f"{file.setting} {file.path!r}: no certificate with the key that belongs to it, or the key's"
            f" password is wrong ({_said(error)})"
        ) from error


def _said(error: ssl.SSLError) -> str:
    return (error.reason or str(error)).replace("_", " ").lower()
