"""Addresses that brokers send their clients to, which may be out of reach from where the client is."""

import socket
import ssl
from collections.abc import Iterable
from typing import Any

from streamrec.adapters.kafka.address import KafkaAddress

REACH_TIMEOUT_S = 2.0
"""A broker on the same network accepts a connection in milliseconds."""

_MOST_BROKERS = 4
"""Of a large cluster so many are remembered: one that can't be reached tells what is wrong."""

_told: dict[tuple[str, ...], list[str]] = {}
"""Servers that were asked -> addresses that they told: the process' own, for these outlive a connection."""


def note(address: KafkaAddress, clients: Iterable[Any]) -> None:
    """Remember what brokers told these network clients of the driver."""
    for client in clients:
        brokers = [broker for broker in client.cluster.brokers() if isinstance(broker.node_id, int)]
        if brokers:
            brokers.sort(key=lambda broker: broker.node_id)
            _told[address.servers] = [
                _address(broker.host, broker.port) for broker in brokers[:_MOST_BROKERS]
            ]


def stray(address: KafkaAddress) -> str | None:
    """Return which broker can't be reached, and why, though one that the address names can; None: none."""
    elsewhere = [told for told in _told.get(address.servers, []) if told not in address.servers]
    found = next(filter(None, map(_why_unreachable, elsewhere)), None)
    return None if found is None or all(map(_why_unreachable, address.servers)) else found


def _why_unreachable(server: str) -> str | None:
    try:
        greet(server, None)
    except (OSError, UnicodeError) as error:
        return f"{server}, which can't be reached ({error})"
    return None


def greet(server: str, context: ssl.SSLContext | None) -> None:
    """Connect, encrypted where there is a context, and hang up.

    Raises
    ------
    OSError, UnicodeError
        When nobody answers there, or not as wanted.
    """
    host, _, port = server.rpartition(":")
    host = host.strip("[]")
    with socket.create_connection((host, int(port)), REACH_TIMEOUT_S) as connection:
        if context is not None:
            context.wrap_socket(connection, server_hostname=host).close()


def _address(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
