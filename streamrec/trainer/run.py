"""The life of a trainer process: take a role, go on from the checkpoint, stream, hand over."""

from contextlib import closing, nullcontext
from dataclasses import replace

import structlog

from streamrec.errors import LeaseLost, LogTruncated, UnsoundModel
from streamrec.learning.learner import use_one_thread
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.ports import EventSource
from streamrec.process.erasures import open_erasures
from streamrec.process.retries import patiently
from streamrec.process.scoped_metrics import metrics_of
from streamrec.promotion.promotion import (
    AskedPromotions,
    catch_up,
    place_of_champions,
    publish_all_users,
    publish_missed,
)
from streamrec.promotion.roles import NAMES, Place, Turn, Turns
from streamrec.publishing.challenger import ChallengerPublisher
from streamrec.publishing.publisher import Publisher
from streamrec.shadow.live_index import LiveIndex
from streamrec.trainer.stream import StreamTrainer
from streamrec.trainer.trainer_process import Equipment, TrainerProcess, open_trainer, weights_of

_MEND = (
    "to go on nevertheless, run `python incremental_training.py --start earliest` (the log was replaced, or"
    " lost its beginning: all of it is new) or `--start latest` (the log lost its end: what is left was"
    " learned already)"
)


def run_trainer(process: TrainerProcess) -> None:
    """Train until told to stop. A lost lease, or another role, means to start over from a checkpoint.

    Raises
    ------
    CorruptArtifact
        When the generation has no readable checkpoint.
    UnsoundModel
        When the model is damaged again and again, from the same checkpoint on.
    LogTruncated
        When the stream's log is shorter than the checkpoint says.
    """
    use_one_thread()
    with closing(process.index) if process.index is not None else nullcontext():
        _train_generations(process)


def _train_generations(process: TrainerProcess) -> None:
    metrics = metrics_of("champion", process.metrics)
    patient = patiently(process.stop.is_giving_up, metrics)
    duration_s = process.settings.lease_duration_s
    place = Place(
        process.roles, process.outlets.store, process.owner, process.role, duration_s, process.clock
    )
    turns = Turns(place, process.stop, process.status, process.metrics, patient)
    while turn := turns.take():
        process.status.role, process.status.generation = turn.role, turn.generation
        try:
            with closing(process.open_source(NAMES[turn.role])) as source:
                _train(process, turn, turns, source)
        except LeaseLost as error:
            structlog.get_logger().warning("lease_lost", error=str(error))
        except UnsoundModel as error:
            process.reverts.note(error, metrics)
        except LogTruncated as error:
            raise LogTruncated(f"{error}; {_MEND}") from error
        finally:
            turns.end(turn)
        # A start by choice is made once: its first step leaves a checkpoint of the new log.
        process = replace(process, start="checkpoint")


def _train(process: TrainerProcess, turn: Turn, turns: Turns, source: EventSource) -> None:
    is_champion = turn.role == "champion"
    metrics = metrics_of(turn.role, process.metrics)
    process = replace(process, metrics=metrics)
    asked = AskedPromotions(process.roles, process.artifacts_dir, metrics)
    kind = Publisher if is_champion else ChallengerPublisher
    publisher = kind(
        process.outlets, turn.generation, lambda: turn.lease.lease, metrics, process.stop.is_giving_up
    )
    live_index = _live_index(process)

    def is_over(state: TrainerState) -> bool:
        if not is_champion:
            state.promotions_asked.clear()  # the champion's to carry out
        return asked.decide(state.promotions_asked) or turns.is_over(turn)

    equipment = Equipment(source, turn.lease, publisher, is_over, live_index)
    if is_champion:
        _shut_out_the_one_before(process, turn)
    try:
        if is_champion and process.start == "checkpoint" and process.roles.read().under_way is not None:
            _take_over(process, turn, equipment)
        else:
            _stream(process, open_trainer(process, turn.generation, equipment).loop)
    finally:
        if live_index is not None:
            live_index.close()
        publisher.close()
    if asked.promotion is not None:
        turns.hand_over(asked.promotion, turn)


def _shut_out_the_one_before(process: TrainerProcess, turn: Turn) -> None:
    """Let a champion that stood still for longer than its lease write neither cache nor roles any more."""
    process.outlets.cache.write_under(lambda: turn.lease.lease)
    process.roles.claim(turn.lease.lease)


def _live_index(process: TrainerProcess) -> LiveIndex | None:
    if process.index is None:
        return None
    return LiveIndex(process.index, process.settings.look_ups_per_s, process.metrics, process.clock)


def _stream(process: TrainerProcess, loop: StreamTrainer) -> None:
    if process.start != "checkpoint":
        loop.begin_another_log()
    try:
        loop.run()
    except LogTruncated:
        loop.checkpoint()  # the log is gone: what was learned from it since the last one need not be
        raise


def _take_over(process: TrainerProcess, turn: Turn, equipment: Equipment) -> None:
    """Stream as the new champion, and make its generation the live one once all users are published."""
    promotion = process.roles.read().under_way
    source, publisher = equipment.source, equipment.publisher
    should_stop = process.stop.is_stopping.is_set
    patient = patiently(process.stop.is_giving_up, process.metrics)
    since = patient(place_of_champions, source)
    opened = open_trainer(process, turn.generation, equipment)
    until = source.next_offsets()
    erasures = patient(open_erasures, process.outlets.store, source, process.clock)
    patient(publish_missed, source, since, until, weights_of(process), publisher, erasures)
    patient(source.seek, until)
    catch_up(opened.loop, source, since, should_stop)
    if publish_all_users(opened.loop, opened.state, publisher, should_stop) and promotion is not None:
        process.roles.complete(promotion, turn.lease.lease)
        process.metrics.count("promotions.done")
        structlog.get_logger().info("promoted", champion=promotion.champion, challenger=promotion.challenger)
    _stream(process, opened.loop)
