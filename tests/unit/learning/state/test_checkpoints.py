from pathlib import Path

import pytest
from structlog.testing import capture_logs

from streamrec.domain.events.interaction import Interaction
from streamrec.domain.items.content_index import ContentIndex
from streamrec.errors import CorruptArtifact
from streamrec.learning.absorb import absorb
from streamrec.learning.rules import LearningRules
from streamrec.learning.state.checkpoints import Checkpoints
from streamrec.learning.state.trainer_state import TrainerState
from streamrec.publishing.views import vector_table
from streamrec.settings.processes import LearningSettings, TrainerSettings
from tests.builders import WEIGHTS

RECORDED = LearningSettings(embedding_dim=4, user_rate=0.3)
OTHERS = LearningSettings(embedding_dim=16, user_rate=0.9)
SETTINGS = TrainerSettings()


def test_a_generation_learns_on_as_it_was_trained(tmp_path: Path) -> None:
    state = TrainerState("g1", RECORDED, SETTINGS)
    state.changelog_slot = 1
    events = [Interaction(f"u{number % 3}", f"i{number}", float(number)) for number in range(9)]
    absorb(state, events, LearningRules(WEIGHTS, False, ContentIndex()), 1.0)
    Checkpoints(tmp_path, "g1").write(state, {"interactions": {0: 9}}, token=3)
    with capture_logs() as said:
        opened, next_offsets = Checkpoints(tmp_path, "g1").open_newest(OTHERS, SETTINGS)
    assert (opened.learning, opened.changelog_slot, opened.generation) == (RECORDED, 1, "g1")
    assert next_offsets == {"interactions": {0: 9}}
    assert vector_table(opened, of_users=False).vectors.shape == (9, 5)
    assert [(line["embedding_dim"], line["user_rate"]) for line in said] == [(4, 0.3)]
    with capture_logs() as said:
        Checkpoints(tmp_path, "g1").open_newest(RECORDED, SETTINGS)
    assert said == []


def test_what_is_written_after_opening_is_the_newest_whatever_the_lease_counts(tmp_path: Path) -> None:
    as_champion, as_challenger = Checkpoints(tmp_path, "g1"), Checkpoints(tmp_path, "g1")
    state = TrainerState("g1", RECORDED, SETTINGS)
    as_champion.write(state, {"interactions": {0: 1}}, token=90)
    state, _ = as_challenger.open_newest(OTHERS, SETTINGS)
    as_challenger.write(state, {"interactions": {0: 2}}, token=7)
    as_champion.write(state, {"interactions": {0: 3}}, token=90)  # one that lost its lease and does not know
    assert Checkpoints(tmp_path, "g1").open_newest(OTHERS, SETTINGS)[1] == {"interactions": {0: 2}}


def test_a_generation_without_a_whole_checkpoint_is_told(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "g1")
    for look in (checkpoints.check, lambda: checkpoints.open_newest(OTHERS, SETTINGS)):
        with pytest.raises(CorruptArtifact, match="no readable checkpoint"):
            look()
    checkpoints.write(TrainerState("g1", RECORDED, SETTINGS), {}, token=0)
    checkpoints.check()
    (folder,) = (tmp_path / "checkpoints" / "g1").iterdir()
    (folder / "state.json").write_text("{}")
    with pytest.raises(CorruptArtifact, match="no readable checkpoint"):
        checkpoints.check()
