"""Probes through the two services; each returns a note, or raises what is wrong."""

import uuid

from streamrec.cli.doctor.probes import PROBE
from streamrec.cli.service_call import Service, index_at
from streamrec.errors import InvalidInput, Unavailable, UnknownId
from streamrec.settings.processes import LocationSettings


def probe_index(locations: LocationSettings) -> str:
    """Ask whether the index is ready, what it holds, and search in it for an item that no one has."""
    service = index_at(locations)
    _check_ready(service)
    stats = service.get("/v1/stats")
    if not isinstance(stats, dict) or "generation" not in stats:
        raise Unavailable(f"what listens at {service.address} is not the index server")
    answer = service.call("POST", "/v1/search", {"item_ids": [PROBE], "k": 1})
    if answer.get("missing") != [PROBE]:
        raise Unavailable(f"{service.address} answers a search for an unknown item with {answer}")
    return f"generation {stats['generation']} with {stats.get('n_items', 0):,} items answers a search"


def probe_recommender(service: Service) -> str:
    """Ask whether the recommender is ready; write, read and delete a hidden item."""
    _check_ready(service)
    title = str(uuid.uuid4())
    path = f"/v1/items/{PROBE}"
    service.call("PUT", path, {"title": title, "is_hidden": True})
    try:
        found = service.get(path)
    finally:
        service.call("DELETE", path)
    if found.get("title") != title:
        raise Unavailable(f"{service.address}: what was written could not be read back")
    return "an item written, read back and deleted"


def _check_ready(service: Service) -> None:
    try:
        service.get("/health/ready")
    except (UnknownId, InvalidInput) as error:
        raise Unavailable(f"what listens there is not ours: {error}") from error
