"""Waiting for the services, and for the first answer that is about somebody."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from streamrec.cli.service_call import Service
from streamrec.cli.services import Services
from streamrec.cli.stopping import StopWish
from streamrec.errors import InvalidInput, Unavailable, UnknownId

_PAUSE_S = 0.1


def wait_until_ready(services: Services, ours: Sequence[Service], wish: StopWish, patience_s: float) -> None:
    """Return when each service says it is ready, or when somebody wishes to stop.

    Raises
    ------
    Unavailable
        When a service ends, or is not ready in time; with its reason.
    """
    deadline = wish.now() + patience_s
    for service in ours:
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


def wait_for_personal_answer(
    services: Services, recommender: Service, user_id: str, wish: StopWish, patience_s: float
) -> dict[str, Any]:
    """Return the first recommendations that come from the user's own vector.

    Raises
    ------
    Unavailable
        When a service ends, or there is no such answer in time.
    """
    deadline = wish.now() + patience_s
    answer: dict[str, Any] = {}
    while not wish():
        services.check()
        answer = recommender.get(f"/v1/recommendations?user_id={quote(user_id, safe='')}&k=5")
        if answer["based_on"] == "user_id":
            break
        if wish.now() > deadline:
            raise Unavailable(
                f"user {user_id} still gets {answer['based_on']} after {patience_s:.0f} s. "
                f"See {services.log_path}"
            )
        wish.sleep(_PAUSE_S)
    return answer
