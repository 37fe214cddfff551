"""A look into what brokers answer to fetches: the driver keeps only some of it."""

from typing import Any

from kafka.net.manager import KafkaConnectionManager
from kafka.protocol.consumer import FetchRequest


class FetchAnswers(KafkaConnectionManager):  # type: ignore[misc]  # the driver has no types
    """Connections of a client, which show each partition of an answer to `note`."""

    def send(self, request: object, *arguments: Any, **options: Any) -> Any:  # noqa: ANN401  # the driver's
        """Send a request, and look into the answer if it is one to a fetch."""
        answer = super().send(request, *arguments, **options)
        if isinstance(request, FetchRequest):
            answer.add_callback(self._look)
        return answer

    def _look(self, response: Any) -> None:  # noqa: ANN401  # the driver's
        for topic in response.responses:
            for partition in topic.partitions:
                self.note((topic.topic, partition.partition_index), partition)

    def note(self, partition: tuple[str, int], answer: Any) -> None:  # noqa: ANN401  # the driver's
        """Take what is wanted of the answer about a partition, which is named with its topic."""
        raise NotImplementedError
