import pytest

from streamrec.domain.generations.roles import Promotion, Roles
from streamrec.errors import InvalidInput

PROMOTION = Promotion("promote", champion="new", challenger="old", at=5.0)
DONE = Promotion("promote", champion="new", challenger="old", at=5.0, is_done=True)


@pytest.mark.parametrize(
    ("live", "challenger", "promotion", "expected"),
    [
        (None, None, None, (None, None)),
        ("old", None, None, ("old", None)),
        ("old", "new", None, ("old", "new")),
        ("old", "old", None, ("old", None)),
        ("old", "new", PROMOTION, ("new", "old")),  # users are being moved
        ("new", "new", PROMOTION, ("new", "old")),  # the first of two names is written
        ("new", "old", PROMOTION, ("new", "old")),
        ("new", "old", DONE, ("new", "old")),
        ("third", "new", PROMOTION, ("third", "new")),  # another initial training came between
        ("new", "third", DONE, ("new", "third")),
    ],
)
def test_who_is_what_at_every_moment_of_a_promotion(
    live: str | None, challenger: str | None, promotion: Promotion | None, expected: tuple[str | None, ...]
) -> None:
    roles = Roles.of(live, challenger, promotion)
    assert roles[:2] == expected
    assert (roles.generation_of("champion"), roles.generation_of("challenger")) == expected


def test_a_generation_knows_its_role() -> None:
    roles = Roles("a", "b")
    assert [roles.role_of(name) for name in ("a", "b", "c")] == ["champion", "challenger", None]


def test_promote_and_rollback_are_the_same_thing_backwards() -> None:
    promotion = Roles("old", "new").next_promotion("promote", "", at=5.0)
    assert promotion == PROMOTION
    back = Roles.of("new", "old", DONE).next_promotion("rollback", "old", at=6.0)
    assert (back.champion, back.challenger) == ("old", "new")


@pytest.mark.parametrize(
    ("roles", "name", "generation", "reason"),
    [
        (Roles(None), "promote", "", "no model"),
        (Roles("old"), "promote", "", "no challenger"),
        (Roles("old", "new"), "promote", "third", "'new' is"),
        (Roles("old", "new"), "rollback", "", "nothing to go back to"),
        (Roles.of("old", "new", PROMOTION), "promote", "", "under way"),
        (Roles.of("new", "old", DONE), "rollback", "new", "'old' is"),
        (Roles.of("new", "third", DONE), "rollback", "", "nothing to go back to"),
        (
            Roles("old", "new", Promotion("rollback", "old", "new", 5.0, is_done=True)),
            "rollback",
            "",
            "nothing",
        ),
    ],
)
def test_what_can_not_be_done_is_said(roles: Roles, name: str, generation: str, reason: str) -> None:
    with pytest.raises(InvalidInput, match=reason):
        roles.next_promotion(name, generation, at=9.0)  # type: ignore[arg-type]  # one of its words


@pytest.mark.parametrize("at", [4.0, 5.0])
def test_a_command_that_is_read_again_is_not_carried_out_again(at: float) -> None:
    with pytest.raises(InvalidInput, match="older than the last promotion"):
        Roles.of("new", "old", DONE).next_promotion("rollback", "old", at)
