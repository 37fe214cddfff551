"""Files of certificates in the URLs of all servers: what is wrong is said before anybody connects."""

import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from streamrec.adapters.opening import (
    open_cache,
    open_cache_publisher,
    open_event_sink,
    open_event_source,
    open_store,
    open_trainer_store,
)
from streamrec.errors import ConfigurationError
from streamrec.ports import INTERACTIONS

OPENERS: dict[str, tuple[Callable[[str], object], ...]] = {
    "STREAMREC_STORE_URL": (open_store, open_trainer_store),
    "STREAMREC_CACHE_URL": (open_cache, open_cache_publisher),
    "STREAMREC_EVENTS_URL": (
        open_event_sink,
        lambda url: open_event_source(url, [INTERACTIONS], "g"),
        lambda url: open_event_sink(url.replace("kafka:", "kafka+confluent:")),
    ),
}

URLS = {
    "STREAMREC_STORE_URL": "mongodb://me:s3cret@127.0.0.1/streamrec?tls=true&",
    "STREAMREC_CACHE_URL": "rediss://:s3cret@127.0.0.1/0?",
    "STREAMREC_EVENTS_URL": "kafka://me:s3cret@127.0.0.1?security_protocol=SASL_SSL&",
}

AUTHORITIES = {
    "STREAMREC_STORE_URL": "tlsCAFile",
    "STREAMREC_CACHE_URL": "ssl_ca_certs",
    "STREAMREC_EVENTS_URL": "ssl_cafile",
}

REVOKED = {"STREAMREC_STORE_URL": "tlsCRLFile", "STREAMREC_EVENTS_URL": "ssl_crlfile"}

OWN = {
    "STREAMREC_STORE_URL": "tlsCertificateKeyFile",
    "STREAMREC_CACHE_URL": "ssl_certfile",
    "STREAMREC_EVENTS_URL": "ssl_certfile",
}

KEYS = {"STREAMREC_CACHE_URL": "ssl_keyfile", "STREAMREC_EVENTS_URL": "ssl_keyfile"}

EVERY_FILE = [
    (variable, name) for names in (AUTHORITIES, REVOKED, OWN, KEYS) for variable, name in names.items()
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Certificates: ``cert.pem`` with ``key.pem``, another key, a locked key, and files that are neither."""
    folder = tmp_path_factory.mktemp("tls")
    certificate = "req -x509 -newkey rsa:2048 -nodes -days 1 -subj /CN=localhost -keyout {0}.pem -out {1}.pem"
    for command in (
        certificate.format("key", "cert"),
        certificate.format("another-key", "another-cert"),
        "rsa -aes256 -passout pass:pw -in key.pem -out locked-key.pem",
    ):
        subprocess.run(["openssl", *command.split()], cwd=folder, check=True, capture_output=True)
    for name, parts in {
        "both": ("key", "cert"),
        "locked": ("locked-key", "cert"),
        "mixed": ("another-key", "cert"),
    }.items():
        (folder / f"{name}.pem").write_text("".join((folder / f"{part}.pem").read_text() for part in parts))
    (folder / "empty.pem").write_bytes(b"")
    (folder / "picture.pem").write_bytes(bytes(range(256)))
    return folder


def complaint(variable: str, query: str) -> str:
    """Return what every opener of a part says of a URL: the same, and no secret in it."""
    said = set()
    for opener in OPENERS[variable]:
        with pytest.raises(ConfigurationError) as caught:
            opener(URLS[variable] + query)
        said.add(str(caught.value).replace("+confluent", ""))
    assert len(said) == 1
    (line,) = said
    assert "\n" not in line
    assert "s3cret" not in line
    assert line.startswith(variable)
    return line


@pytest.mark.parametrize(("variable", "setting"), EVERY_FILE)
def test_a_file_that_is_not_there_is_named(variable: str, setting: str) -> None:
    assert f"{setting} '/no/such file.pem' is not there" in complaint(
        variable, f"{setting}=/no/such%20file.pem"
    )


@pytest.mark.parametrize(("variable", "setting"), EVERY_FILE)
def test_a_folder_is_no_file(variable: str, setting: str, folder: Path) -> None:
    assert f"{setting} '{folder}' is a folder" in complaint(variable, f"{setting}={folder}")


@pytest.mark.parametrize("name", ["key", "empty", "picture"])
@pytest.mark.parametrize(("variable", "setting"), AUTHORITIES.items())
def test_a_file_without_a_certificate_is_named(variable: str, setting: str, name: str, folder: Path) -> None:
    path = folder / f"{name}.pem"
    assert f"{setting} '{path}' holds no certificate" in complaint(variable, f"{setting}={path}")


@pytest.mark.parametrize("name", ["cert", "key", "empty", "picture"])
@pytest.mark.parametrize(("variable", "setting"), REVOKED.items())
def test_a_file_without_a_list_is_named(variable: str, setting: str, name: str, folder: Path) -> None:
    path = folder / f"{name}.pem"
    assert f"{setting} '{path}' holds no list" in complaint(variable, f"{setting}={path}")


@pytest.mark.parametrize("name", ["cert", "mixed", "empty", "locked"])
@pytest.mark.parametrize(("variable", "setting"), OWN.items())
def test_a_certificate_without_its_key_is_named(variable: str, setting: str, name: str, folder: Path) -> None:
    path = folder / f"{name}.pem"
    assert f"{setting} '{path}': no certificate with the key" in complaint(variable, f"{setting}={path}")


@pytest.mark.parametrize(("variable", "setting"), KEYS.items())
def test_another_certificates_key_is_named(variable: str, setting: str, folder: Path) -> None:
    path = folder / "another-key.pem"
    query = f"{OWN[variable]}={folder}/cert.pem&{setting}={path}"
    assert f"{setting} '{path}': no certificate with the key" in complaint(variable, query)


def test_names_of_options_are_read_in_any_case() -> None:
    assert "tlscafile '/no/ca.pem' is not there" in complaint("STREAMREC_STORE_URL", "tlscafile=/no/ca.pem")


async def test_what_is_well_is_taken(folder: Path) -> None:
    own = f"{folder}/both.pem"
    store = open_store(
        f"{URLS['STREAMREC_STORE_URL']}tlsCAFile={folder}/cert.pem&tlsCertificateKeyFile={own}"
    )
    locked = f"ssl_certfile={folder}/locked.pem&ssl_password=pw"
    cache = open_cache(f"{URLS['STREAMREC_CACHE_URL']}ssl_ca_certs={folder}/cert.pem&{locked}")
    open_event_sink(f"{URLS['STREAMREC_EVENTS_URL']}ssl_cafile={folder}/cert.pem&{locked}").close()
    await store.aclose()
    await cache.aclose()
