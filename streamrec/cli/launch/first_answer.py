"""Waiting for the services, and for the first answer that is about somebody."""

from collections.abc import Callable
from typing import Any

from streamrec.cli.launch.services import Services
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
    deadline = wish.now() + patience_s
    for service in services.servers:
        while not wish():
            services.check()
            try:
                service.get("/health/ready")
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
) -> dict[str, Any]:
    """Return the recommender's first answer that is as wanted, or the last one at the wish to stop.

    Raises
    ------
    Unavailable
        When a service ends, or there is no such answer in time.
    """
    deadline = wish.now() + patience_s
    while True:
        services.check()
        answer: dict[str, Any] = services.recommender.get(path)
        if is_wanted(answer) or wish():
            return answer
        if wish.now() > deadline:
            raise Unavailable(
                f"{path} still answers from {answer.get('based_on')} after {patience_s:.0f} s. "
                f"See {services.log_path}"
            )
        wish.sleep(_PAUSE_S)
