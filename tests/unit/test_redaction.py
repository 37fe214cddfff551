import pytest

from streamrec.redaction import redacted, shown_url

PASSWORDS = ("pw", "p%40w", "a:b", "a/b", "a?b", "a#b", "a@b", "12345", "ü")


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("user", ["", "me"])
def test_no_password_of_a_url_is_shown(user: str, password: str) -> None:
    shown = shown_url(f"kafka://{user}:{password}@host:9092,other:9092/prefix")
    assert shown == f"kafka://{user}:***@host:9092,other:9092/prefix"


@pytest.mark.parametrize(
    "url",
    [
        "sqlite:///var/store.db",
        "http://127.0.0.1:8100/v1/items/a@b",
        "mongodb://h1:27017,h2:27017/db?w=1",
        "redis://cache:6379/0",
        "statsd://host:8125",
        "kafka://me@host:9092",
    ],
)
def test_what_is_no_secret_is_shown(url: str) -> None:
    assert shown_url(url) == redacted(f"at {url}").removeprefix("at ") == url


@pytest.mark.parametrize(
    "text",
    [
        "X-API-Key: s3cret",
        "x-api-key=s3cret",
        "Authorization: Bearer s3cret",
        "authorization: Basic s3cret",
        "{'authorization': 's3cret'}",
        "[(b'x-api-key', b's3cret')]",
    ],
)
def test_no_key_in_a_header_is_shown(text: str) -> None:
    assert "s3cret" not in redacted(text)
    assert "***" in redacted(text)


def test_plain_data_stays_what_it_is() -> None:
    given = {"n": 3, "share": 0.5, "is_on": True, "none": None, "names": ["a", "b"], "token": 7}
    assert redacted(given) == given


def test_an_unset_secret_is_told_as_such() -> None:
    assert redacted({"password": None, "api_key": "x"}) == {"password": None, "api_key": "***"}
