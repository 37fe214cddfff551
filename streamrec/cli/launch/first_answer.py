"""Waiting for the services, and for the first answer that is about somebody."""

from collections.abc import Callable, Sequence
from typing import Any

from streamrec.cli.launch.services import Services
from streamrec.cli.service_call import Service
from streamrec.cli.stopping import StopWish
from streamrec.errors import InvalidInput, Unavailable, UnknownId

_PAUSE_S = 0.1


def wait_until_ready(services: Services, wish: StopWish, patience_s: float) -> None:
    """Return when the servers say that they are ready, or when somebody wishes to stop.

    Raises
    ------
    Unavailable
        When a service ends, or is not ready in time; with its reason.
    """
    _wait(services, services.servers, "/health/ready", wish, patience_s)


def wait_until_live(services: Services, wish: StopWish, patience_s: float) -> None:
    """Return when the recommender answers, ready or not, or when somebody wishes to stop.

    Raises
    ------
    Unavailable
        As `wait_until_ready`.
    """
    _wait(services, [services.recommender], "/health/live", wish, patience_s)


def _wait(
    services: Services, servers: Sequence[Service], path: str, wish: StopWish, patience_s: float
) -> None:
    deadline = wish.now() + patience_s
    for service in servers:
        while not wish():
            services.check()
            try:
                service.get(path)
                break
            except Unavailable as error:
                if wish.now() > deadline:
                    raise Unavailable(
                        f"not ready after {patience_s:.0f} s: {error}. See {services.log_path}"
                    ) from error
            except (UnknownId, InvalidInput) as error:
                raise Unavailable(f"what listens there is not ours: {error}") from error
            wish.sleep(_PAUSE_S)


def wait_for_answer(
    services: Services,
    path: str,
    is_wanted: Callable[[dict[str, Any]], bool],
    wish: StopWish,
    patience_s: float,
) -> dict[str, Any] | None:
    """Return the recommender's first answer that is as wanted; None: none in time, or a wish to stop.

    Raises
    ------
    Unavailable
        When a service ends.
    """
    deadline = wish.now() + patience_s
    while not wish() and wish.now() < deadline:
        services.check()
        answer: dict[str, Any] = services.recommender.get(path)
        if is_wanted(answer):
            return answer
        wish.sleep(_PAUSE_S)
    return None
