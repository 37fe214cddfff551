"""Recommendations under experiments: a user is assigned, gets the variant's list, and it is written down."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple

import msgspec

from streamrec.domain.experiments.assignment import Assignment, merged
from streamrec.domain.experiments.exposure import Exposure
from streamrec.domain.experiments.interleaving import team_draft
from streamrec.domain.items.propensities import propensities_of
from streamrec.domain.ranking.recommendation import RecommendationRequest, Recommendations, RecommendedItem
from streamrec.errors import InvalidInput
from streamrec.log_limits import warn_seldom
from streamrec.ports import Metrics
from streamrec.serving.experiments.exposure_log import ExposureLog
from streamrec.serving.experiments.running import RunningExperiments
from streamrec.serving.experiments.variants import Known, Variants, shape_with
from streamrec.serving.paging import Page
from streamrec.serving.recommender import Answer
from streamrec.telemetry import NullMetrics

ExposuresOf = Literal["experiments", "all", "none"]
"""Lists that are written down: those of experiments, all that are made for a user, or none."""


class ExposureRules(NamedTuple):
    """Rules of what is written down: of which lists, and how long an answer waits at most until it is."""

    of: ExposuresOf = "experiments"
    wait_s: float = 0.0


class Asked(NamedTuple):
    """A request, the id of its answer, and whether it names the diversity that it wants."""

    request: RecommendationRequest
    request_id: str
    is_diversity_named: bool = False


class Told(NamedTuple):
    """The answer as it is sent, and the segment of who asked, where it is known."""

    recommendations: Recommendations
    segment: str | None


class _Shown(NamedTuple):
    """A list to be shown, and the team of each of its items where they were drafted."""

    answer: Answer
    teams: Sequence[int] = ()


class ExperimentingRecommender:
    """Answers users by the variants that they are assigned to.

    Parameters
    ----------
    wall_clock
        Unix seconds.
    """

    def __init__(
        self,
        running: RunningExperiments,
        variants: Variants,
        log: ExposureLog,
        metrics: Metrics,
        exposures_of: ExposuresOf = "experiments",
        wall_clock: Callable[[], float] = time.time,
    ) -> None:
        self._running, self._variants, self._log = running, variants, log
        self._metrics, self._exposures_of = metrics, exposures_of
        self._clock = wall_clock
        self._plain = variants.usual(metrics)

    async def recommend(self, asked: Asked) -> Told:
        """Return what the recommender does, with the answer's id and the user's variants.

        Raises
        ------
        InvalidInput
            When the request's cursor does not go on with this question.
        """
        user_id, assigner = asked.request.user_id, self._running.assigner()
        if user_id is None or assigner.is_idle:
            shown, assigned = _Shown(await self._plain.answer(asked.request)), []
        else:
            known = await self._variants.read(user_id, with_seen=asked.request.exclude_seen)
            document = known.read.value.document
            assigned = assigner.assigned(user_id, {} if document is None else document.attributes)
            shown = await self._shown(asked, known, assigned)
        await self._write(asked, shown, assigned)
        return Told(_told(shown, asked.request_id, assigned), shown.answer.segment)

    async def _shown(self, asked: Asked, known: Known, assigned: Sequence[Assignment]) -> _Shown:
        interleaved = next((one for one in assigned if one.position is None), None)
        if interleaved is None:
            return _Shown(await self._answer(asked, known, assigned, self._metrics))
        n_variants = len(interleaved.experiment.variants)
        answers = await asyncio.gather(
            *(
                self._answer(
                    asked,
                    known,
                    [Assignment(one.experiment, n) if one.position is None else one for one in assigned],
                    NullMetrics() if n else self._metrics,  # one list is shown, and counted
                )
                for n in range(n_variants)
            )
        )
        return _drafted(asked, answers, seed=f"{asked.request_id}\0{interleaved.experiment.id}")

    async def _answer(
        self, asked: Asked, known: Known, assigned: Sequence[Assignment], metrics: Metrics
    ) -> Answer:
        changes = merged(
            one.experiment.variants[one.position].changes for one in assigned if one.position is not None
        )
        if asked.request.user_id is not None:
            known = await self._variants.known_to(changes, asked.request.user_id, known)
        recommender = self._variants.recommender(known, changes, metrics)
        # A list that was made beforehand has one page, and none is published for a while, perhaps.
        if changes.batch is not None and asked.request.cursor is None:
            lists = self._variants.batch_lists(recommender, metrics)
            try:
                return Answer(await lists.recommend(asked.request, changes.batch), ())
            except InvalidInput as error:
                warn_seldom("batch_not_served", about=changes.batch, reason=str(error))
        shape = shape_with(changes, asked.request.shape, is_named=asked.is_diversity_named)
        return await recommender.answer(asked.request, shape=shape)

    async def _write(self, asked: Asked, shown: _Shown, assigned: Sequence[Assignment]) -> None:
        """Write down what is shown, where it is to be written down."""
        user_id = asked.request.user_id
        if user_id is None or self._exposures_of == "none":
            return
        if not assigned and self._exposures_of != "all":
            return
        answer, draw = shown.answer.recommendations, shown.answer.draw
        exposure = Exposure(
            asked.request_id,
            user_id,
            self._clock(),
            [item.item_id for item in answer.items],
            [item.source for item in answer.items],
            generation=answer.generation,
            experiments=[(one.experiment.id, one.experiment.version, one.variant) for one in assigned],
            teams=list(shown.teams),
            interleaved=next((one.experiment.id for one in assigned if one.position is None), None),
            propensities=None if draw is None else list(propensities_of(draw)),
        )
        await self._log.write(exposure)


def _drafted(asked: Asked, answers: Sequence[Answer], seed: str) -> _Shown:
    """Return one list out of those of all variants; the rest of the answer is the first one's."""
    lists = [answer.recommendations for answer in answers]
    by_id: dict[str, RecommendedItem] = {
        item.item_id: item for answer in reversed(lists) for item in answer.items
    }
    page = Page(asked.request)
    draft = team_draft([[item.item_id for item in answer.items] for answer in lists], page.k, seed)
    items = [by_id[item_id] for item_id in draft.items]
    is_degraded = any(answer.degraded for answer in lists)
    recommendations = msgspec.structs.replace(
        lists[0],
        items=items,
        degraded=is_degraded,
        next_cursor=page.next_cursor(items, is_degraded=is_degraded),
    )
    return _Shown(Answer(recommendations, (), segment=answers[0].segment), draft.teams)


def _told(shown: _Shown, request_id: str, assigned: Sequence[Assignment]) -> Recommendations:
    """Return the answer as it is sent."""
    told = shown.answer.recommendations
    if not assigned:
        return msgspec.structs.replace(told, request_id=request_id)
    items = told.items
    if shown.teams:
        names = next(one.experiment.names for one in assigned if one.position is None)
        items = [
            msgspec.structs.replace(item, team=names[team])
            for item, team in zip(items, shown.teams, strict=True)
        ]
    experiments = {one.experiment.id: one.variant for one in assigned}
    return msgspec.structs.replace(told, items=items, request_id=request_id, experiments=experiments)
