"""Offset up to which a log can be read: that of the first transaction that is still open."""

from typing import Any

from kafka.net.compat import KafkaNetClient
from kafka.net.selector import NetworkSelector

from streamrec.adapters.kafka.drivers.fetches import FetchAnswers


class StableEnds(FetchAnswers):
    """Notes what brokers say of the logs in their answers to fetches; the driver keeps only where a log ends.

    Attributes
    ----------
    known
        (topic's name, partition) -> the last stable offset.
    """

    def __init__(self, net: NetworkSelector, **config: object) -> None:
        super().__init__(net, **config)
        self.known: dict[tuple[str, int], int] = {}

    def note(self, partition: tuple[str, int], answer: Any) -> None:  # noqa: ANN401  # the driver's
        """Keep the last stable offset."""
        if answer.last_stable_offset is not None and answer.last_stable_offset >= 0:
            self.known[partition] = answer.last_stable_offset


class StableEndsClient(KafkaNetClient):  # type: ignore[misc]  # the driver has no types
    """A client of a consumer whose fetches tell `stable_ends`."""

    def __init__(self, **config: object) -> None:
        net = NetworkSelector(**config)
        self.stable_ends = StableEnds(net, **config)
        super().__init__(net, self.stable_ends)
