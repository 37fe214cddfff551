"""The services of `stack-local`: real servers below, two index servers, two trainers, the rest of ours."""

from collections.abc import Sequence
from pathlib import Path

from streamrec.cli.choices import PortSettings
from streamrec.cli.installation import command_line
from streamrec.cli.launch.local_servers import KAFKA, MONGODB, REDIS
from streamrec.cli.launch.own_keys import OwnKey
from streamrec.cli.launch.parts import (
    attribution,
    history,
    index_server,
    recommender,
    server_below,
    trainer,
)
from streamrec.cli.launch.ports import Listener
from streamrec.cli.launch.services import Services, orders
from streamrec.cli.service_call import Service
from streamrec.cli.supervision.output import Output, into_folder
from streamrec.cli.supervision.part import Part
from streamrec.errors import ConfigurationError
from streamrec.settings.processes import LocationSettings

FOLDER = Path("var/stack")


class StackPorts(PortSettings):
    """Ports that the parts listen on, of 127.0.0.1."""

    kafka_port: int = 19092
    mongodb_port: int = 17017
    redis_port: int = 16379
    index2_port: int = 8101

    @property
    def index2_url(self) -> str:
        """The second index server's address."""
        return f"http://127.0.0.1:{self.index2_port}"

    def locations(self) -> LocationSettings:
        """Return the settings by which streamrec finds the parts."""
        events_url = f"kafka://127.0.0.1:{self.kafka_port}"
        return LocationSettings(
            events_url=events_url,
            changelog_url=events_url,
            store_url=f"mongodb://127.0.0.1:{self.mongodb_port}",
            cache_url=f"redis://127.0.0.1:{self.redis_port}/0",
            index_url=self.index_url,
            artifacts_dir=FOLDER / "artifacts",
        )


def stack_parts(ports: StackPorts) -> list[Part]:
    """Return all parts; those below come first."""
    # One learns; the other stands by, and takes over when the first is gone. They ask an index how well it
    # answers, which is not the one that serves. The broker forgets its topics when it ends: then all is new.
    of_both = ("--start=checkpoint-or-earliest",)
    return [
        server_below(KAFKA.name, ports.kafka_port, str(FOLDER / KAFKA.name), 10.0),
        server_below(MONGODB.name, ports.mongodb_port, str(FOLDER / MONGODB.name), 20.0),
        server_below(REDIS.name, ports.redis_port, str(FOLDER / REDIS.name), 10.0),
        index_server(ports.index_port, "index-1"),
        index_server(ports.index2_port, "index-2"),
        recommender(ports.recommender_port),
        history(),
        attribution(),
        trainer("trainer-1", *of_both, index_url=ports.index2_url),
        trainer("trainer-2", *of_both, index_url=ports.index2_url),
    ]


class StackServices(Services):
    """All parts of the stack, with a log each."""

    target = "stack-local"

    def __init__(self, ports: StackPorts, key: OwnKey | None = None) -> None:
        super().__init__(stack_parts(ports), FOLDER / "log", ports, key)
        self._stack_ports = ports
        self._second_index = Service(ports.index2_url)

    @property
    def servers(self) -> Sequence[Service]:
        """The ones to ask whether they are ready."""
        return (self.recommender, self.index, self._second_index)

    @property
    def listeners(self) -> Sequence[Listener]:
        """The ports that are needed."""
        second = self._listener(self._stack_ports.index2_port, "second index server", "INDEX2_PORT")
        return (*self.servers_below, *super().listeners, second)

    @property
    def servers_below(self) -> Sequence[Listener]:
        """The ports of the servers that are not ours."""
        ports = self._stack_ports
        return (
            self._listener(ports.kafka_port, "Kafka broker", "KAFKA_PORT"),
            self._listener(ports.mongodb_port, "MongoDB", "MONGODB_PORT"),
            self._listener(ports.redis_port, "Redis", "REDIS_PORT"),
        )

    @property
    def environment(self) -> dict[str, str]:
        """Variables that the parts find in their environment beside ours: addresses of the others."""
        locations = self._stack_ports.locations()
        return {
            **super().environment,
            "STREAMREC_EVENTS_URL": locations.events_url,
            "STREAMREC_CHANGELOG_URL": locations.vectors_url,
            "STREAMREC_STORE_URL": locations.store_url,
            "STREAMREC_CACHE_URL": locations.cache_url,
            "STREAMREC_ARTIFACTS_DIR": str(locations.artifacts_dir),
        }

    def _open_output(self) -> Output:
        return into_folder(self.log_path)

    def where(self) -> list[str]:
        """Return lines for people: where what is found."""
        locations = self._stack_ports.locations()
        return [
            f"Recommender   {self.recommender.url}  (to look at; its API: {self.recommender.url}/docs)",
            f"Index servers {self.index.url}/v1/stats and {self._second_index.url}/v1/stats",
            f"Servers       {locations.events_url}  {locations.store_url}  {locations.cache_url}",
            f"Logs          {self.log_path}/",
            f"Parts         {orders()} status   (or: restart index-1, stop redis, ...)",
        ]

    def check_ports(self) -> None:
        """Make sure that the ports are free.

        Raises
        ------
        ConfigurationError
            When one is not; says which variable chooses another, and who else may have it.
        """
        try:
            super().check_ports()
        except ConfigurationError as error:
            raise ConfigurationError(
                f"{error}. (`{command_line('run')}` has the same recommender and index ports: only one of the"
                " two runs at a time, unless you choose others.)"
            ) from error
