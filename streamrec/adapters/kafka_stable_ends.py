"""How far a log can be read: up to the first transaction that is still open."""

from typing import Any

from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector
from kafka.protocol.consumer import FetchRequest


class StableEnds(KafkaConnectionManager):  # type: ignore[misc]  # the driver has no types
    """Notes what brokers say of the logs in their answers to fetches; the driver keeps only where a log ends.

    Attributes
    ----------
    known
        (topic's name, partition) -> the last stable offset.
    """

    def __init__(self, net: NetworkSelector, **config: object) -> None:
        super().__init__(net, **config)
        self.known: dict[tuple[str, int], int] = {}

    def send(self, request: object, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401  # the driver's
        """Send a request, and look into the answer if it is one to a fetch."""
        answer = super().send(request, *arguments, **options)
        if isinstance(request, FetchRequest):
            answer.add_callback(self._note)
        return answer

    def _note(self, response: Any) -> None:  # noqa: ANN401  # the driver's
        for topic in response.responses:
            for partition in topic.partitions:
                if partition.last_stable_offset is not None and partition.last_stable_offset >= 0:
                    self.known[topic.topic, partition.partition_index] = partition.last_stable_offset


class StableEndsClient(KafkaNetClient):  # type: ignore[misc]  # the driver has no types
    """A client of a consumer whose fetches tell `stable_ends`."""

    def __init__(self, **config: object) -> None:
        net = NetworkSelector(**config)
        self.stable_ends = StableEnds(net, **config)
        super().__init__(net, self.stable_ends)
