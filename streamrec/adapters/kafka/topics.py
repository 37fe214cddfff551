"""The topics: their settings in one table, created where they are missing."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import MappingProxyType
from typing import Any, NamedTuple

from kafka import KafkaAdminClient, errors

from streamrec.adapters.attempts import Attempts
from streamrec.adapters.kafka.address import KafkaAddress
from streamrec.adapters.kafka.connect import (
    REQUEST_TIMEOUT_MS,
    close_soon,
    connect,
    refused,
    translated_errors,
    unavailable,
)
from streamrec.errors import ConfigurationError, StreamrecError
from streamrec.ports import (
    COMMANDS,
    IMPRESSIONS,
    INTERACTIONS,
    ITEM_VECTORS,
    PROBES,
    REJECTED,
    USER_VECTORS,
)

_DAY_MS = 86_400_000

_KEPT = {"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1"}
_FOR_A_MONTH = {"cleanup.policy": "delete", "retention.ms": str(30 * _DAY_MS)}
_FOR_A_DAY = {"cleanup.policy": "delete", "retention.ms": str(_DAY_MS)}
# A reader that was away for a week still learns what was deleted meanwhile.
_LAST_VALUES = {"cleanup.policy": "compact", "delete.retention.ms": str(7 * _DAY_MS)}


class TopicSettings(NamedTuple):
    """Settings of a new topic; `n_partitions` None: as many as the URL says."""

    n_partitions: int | None
    configs: Mapping[str, str]


TOPICS: Mapping[str, TopicSettings] = MappingProxyType(
    {
        INTERACTIONS: TopicSettings(None, _FOR_A_MONTH),
        IMPRESSIONS: TopicSettings(None, _FOR_A_MONTH),
        # One partition is one order for all commands.
        COMMANDS: TopicSettings(1, _KEPT),
        REJECTED: TopicSettings(1, _FOR_A_MONTH),
        ITEM_VECTORS: TopicSettings(1, _LAST_VALUES),
        USER_VECTORS: TopicSettings(1, _LAST_VALUES),
        PROBES: TopicSettings(1, _FOR_A_DAY),
    }
)

_HARMLESS = {0, errors.TopicAlreadyExistsError.errno}
_UNKNOWN = errors.UnknownTopicOrPartitionError.errno
_REFUSED_SETTINGS = {errors.InvalidConfigurationError.errno, errors.PolicyViolationError.errno}
_NOT_YET = {errors.LeaderNotAvailableError.errno, errors.NoError.errno}


class TopicState(NamedTuple):
    """A topic as a broker describes it; a topic that was deleted and created again has another identity."""

    identity: str | None
    n_partitions: int

    @property
    def log_identity(self) -> str:
        """The identity as text; empty for a broker that gives topics none."""
        text = "" if self.identity is None else str(self.identity)
        return text if text.strip("0-") else ""


class KafkaTopics:
    """Describes and creates topics, over a connection made at the first use. Safe to use from threads."""

    def __init__(self, address: KafkaAddress) -> None:
        self._address = address
        self._attempts = Attempts()
        self._admin: Any = None
        self._has_seen_all = False

    def describe(self, topics: Collection[str]) -> dict[str, TopicState]:
        """Return the topics that exist.

        Raises
        ------
        Unavailable
            When no broker answers.
        ConfigurationError
            When it refuses.
        """
        with self._attempts.one():
            return self._ask(topics)

    def create_missing(self, topics: Collection[str]) -> dict[str, TopicState]:
        """Create these where missing, and once all of `TOPICS`; return these topics.

        Several processes may do so at once. A broker that does not take a topic's settings gets it without.
        """
        with self._attempts.one():
            found = self._ask_and_create(topics)
            if not self._has_seen_all:
                # Whoever may not see or create the others has no need of them, or made what he needs himself.
                with suppress(ConfigurationError):
                    self._ask_and_create(TOPICS.keys() - set(topics))
                self._has_seen_all = True
            return found

    def _ask_and_create(self, topics: Collection[str]) -> dict[str, TopicState]:
        found = self._ask(topics)
        missing = set(topics) - found.keys()
        if not missing:
            return found
        self._create(missing)
        found = self._ask(topics)
        if found.keys() != set(topics):
            raise unavailable(self._address, "topics that were just created are not known yet")
        return found

    def close(self) -> None:
        """Close the connection."""
        admin, self._admin = self._admin, None
        self._has_seen_all = False
        if admin is not None:
            close_soon(admin.close)

    def _ask(self, topics: Collection[str]) -> dict[str, TopicState]:
        prefix = self._address.prefix
        with self._connected() as admin:
            described = admin.describe_topics([prefix + topic for topic in topics])
        states = {}
        for topic in described:
            if topic["error_code"] in _NOT_YET:
                name = topic["name"].removeprefix(prefix)
                states[name] = TopicState(topic.get("topic_id"), len(topic["partitions"]))
            elif topic["error_code"] != _UNKNOWN:
                self._raise_for(topic["error_code"], topic["name"])
        return states

    def _create(self, topics: Collection[str]) -> None:
        refusing = self._create_with(topics, has_configs=True, harmless=_REFUSED_SETTINGS)
        if refusing:
            self._create_with(refusing, has_configs=False, harmless=frozenset())
        names = [self._address.prefix + topic for topic in topics]
        with self._connected() as admin:
            admin.wait_for_topics(names, timeout_ms=REQUEST_TIMEOUT_MS)

    def _create_with(
        self, topics: Collection[str], *, has_configs: bool, harmless: Collection[int]
    ) -> list[str]:
        wanted = {}
        for topic in topics:
            settings = TOPICS.get(topic, TopicSettings(1, {}))
            wanted[self._address.prefix + topic] = {
                "num_partitions": settings.n_partitions or self._address.partitions,
                "replication_factor": self._address.replication_factor,
                "configs": dict(settings.configs) if has_configs else {},
            }
        with self._connected() as admin:
            answer = admin.create_topics(wanted, raise_errors=False)
        failed = [topic for topic in answer["topics"] if topic["error_code"] not in _HARMLESS]
        for topic in failed:
            if topic["error_code"] not in harmless:
                self._raise_for(topic["error_code"], topic["name"])
        return [topic["name"].removeprefix(self._address.prefix) for topic in failed]

    def _raise_for(self, error_code: int, name: str) -> None:
        error = errors.for_code(error_code)
        if error.retriable:
            raise unavailable(self._address, f"topic {name}: {error.__name__}")
        raise refused(self._address, f"topic {name}: {error.__name__}: {error.description}")

    @contextmanager
    def _connected(self) -> Iterator[Any]:
        try:
            with translated_errors(self._address):
                if self._admin is None:
                    self._admin = connect(self._address, KafkaAdminClient)
                yield self._admin
        except StreamrecError:
            # A new connection finds out soonest what there is now.
            self.close()
            raise


def partitions_of(known: Mapping[str, TopicState]) -> list[tuple[str, int]]:
    """Return all partitions of some topics."""
    return [(topic, partition) for topic, state in known.items() for partition in range(state.n_partitions)]


def is_replaced(before: TopicState, now: TopicState | None) -> bool:
    """Return whether a topic is gone, or another one has its name."""
    return now is None or (None not in (before.identity, now.identity) and before.identity != now.identity)
