import sys
from pathlib import Path

import pytest

from streamrec.adapters.kafka.address import SETTINGS, parse_kafka_url
from streamrec.adapters.opening import open_event_sink, open_event_source
from streamrec.errors import ConfigurationError
from streamrec.ports import INTERACTIONS


def test_servers_prefix_and_numbers_come_from_the_url() -> None:
    place = parse_kafka_url("kafka://a,b:9093,[::1]:9094/shop-1.?partitions=12&replication_factor=3")
    assert place.servers == ("a:9092", "b:9093", "[::1]:9094")
    assert (place.prefix, place.partitions, place.replication_factor) == ("shop-1.", 12, 3)
    assert place.for_kafka_python() == {
        "bootstrap_servers": ["a:9092", "b:9093", "[::1]:9094"],
        "security_protocol": "PLAINTEXT",
    }


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("kafka://", "is not of the form kafka://"),
        ("kafka:///prefix", "is not of the form kafka://"),
        ("kafka://host:port", "is not of the form kafka://"),
        ("kafka://host:65536", "is not of the form kafka://"),
        ("kafka://host:0", "is not of the form kafka://"),
        ("kafka://host,", "is not of the form kafka://"),
        ("kafka://host/two/parts", "topic prefix"),
        ("kafka://host?partition=3", "no setting partition; there are security_protocol"),
        ("kafka://host?partitions=0", "partitions must be a positive"),
        ("kafka://host?partitions=-1", "partitions must be a positive"),
        ("kafka://host?security_protocol=TLS", "one of PLAINTEXT, SSL"),
        ("kafka://host?security_protocol=SASL_SSL", "needs user:password@"),
        ("kafka://me:pw@host?security_protocol=SSL", "takes no user:password@"),
        ("kafka://me:pw@host?sasl_mechanism=GSSAPI", "one of PLAIN, SCRAM-SHA-256"),
        ("kafka://host?ssl_check_hostname=false", "need security_protocol=SSL"),
        (
            "kafka://host?security_protocol=SSL&ssl_cafile=/no/such.pem",
            "ssl_cafile '/no/such.pem' is not there",
        ),
        ("kafka://host?security_protocol=SSL&ssl_ciphers=NONE-SUCH", "can't be used"),
    ],
)
def test_a_url_that_does_not_fit_is_refused(url: str, complaint: str) -> None:
    with pytest.raises(ConfigurationError, match=complaint):
        parse_kafka_url(url)
    with pytest.raises(ConfigurationError, match=complaint):
        open_event_sink(url)


def test_a_broken_certificate_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    with pytest.raises(ConfigurationError, match="ssl_cafile .*ca.pem' holds no certificate"):
        parse_kafka_url(f"kafka://host?security_protocol=SSL&ssl_cafile={tmp_path}/ca.pem")


def test_a_password_is_used_but_never_shown() -> None:
    place = parse_kafka_url("kafka://me:s%40crét%2F@host:9092/?sasl_mechanism=SCRAM-SHA-512&ssl_password=k3y")
    for_driver = place.for_kafka_python()
    assert for_driver["sasl_plain_username"] == "me"
    assert for_driver["sasl_plain_password"] == "s@crét/"
    assert for_driver["sasl_mechanism"] == "SCRAM-SHA-512"
    for text in (repr(for_driver), str(for_driver), place.shown):
        assert "s@crét/" not in text
        assert "s%40" not in text
        assert "k3y" not in text


def test_both_drivers_get_the_same_settings(tmp_path: Path) -> None:
    place = parse_kafka_url(
        "kafka://me:pw@a,b/?security_protocol=SASL_PLAINTEXT&sasl_mechanism=PLAIN&client_id=mine"
    )
    assert place.for_confluent() == {
        "bootstrap.servers": "a:9092,b:9092",
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.username": "me",
        "sasl.password": "pw",
        "client.id": "mine",
    }
    assert "ssl_cafile" in SETTINGS


def test_hostnames_are_checked_unless_told_otherwise() -> None:
    checked = parse_kafka_url("kafka://host?security_protocol=SSL")
    unchecked = parse_kafka_url("kafka://host?security_protocol=SSL&ssl_check_hostname=false")
    assert checked.for_kafka_python()["ssl_context"].check_hostname
    assert not unchecked.for_kafka_python()["ssl_context"].check_hostname
    assert checked.for_confluent()["ssl.endpoint.identification.algorithm"] == "https"
    assert unchecked.for_confluent()["ssl.endpoint.identification.algorithm"] == "none"


def test_opening_connects_nowhere() -> None:
    for scheme in ("kafka", "kafka+confluent"):
        source = open_event_source(f"{scheme}://nobody.invalid", [INTERACTIONS], "trainer")
        assert source.next_offsets() == {INTERACTIONS: {}}
        source.close()
        open_event_sink(f"{scheme}://nobody.invalid").close()


def test_a_missing_extra_is_said_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "confluent_kafka", None)
    for open_it in (open_event_sink, lambda url: open_event_source(url, [INTERACTIONS], "trainer")):
        with pytest.raises(ConfigurationError, match=r"pip install -r requirements-confluent\.txt"):
            open_it("kafka+confluent://host")


@pytest.mark.parametrize("url", ["nats://me:s3cret@host", "kafkaesque://me:s3cret@host", ""])
def test_an_unknown_scheme_is_refused_without_its_secret(url: str) -> None:
    with pytest.raises(ConfigurationError, match="no event log for") as caught:
        open_event_sink(url)
    assert "s3cret" not in str(caught.value)
    with pytest.raises(ConfigurationError, match="no event log for"):
        open_event_source(url, [INTERACTIONS], "trainer")
