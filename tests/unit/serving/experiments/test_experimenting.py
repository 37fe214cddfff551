"""Lists under experiments: who gets which, and what is written down of it."""

import asyncio
from collections import Counter

import pytest

from streamrec.domain.experiments.assignment import Assigner
from streamrec.domain.experiments.definition import Changes
from streamrec.domain.items.batch_lists import Batch, ListedItem
from streamrec.domain.items.item import Item
from streamrec.domain.ranking.recommendation import Recommendations
from streamrec.errors import InvalidInput, Unavailable
from streamrec.ports import IMPRESSIONS
from tests.unit.serving.experiments.shop import N_ITEMS, K, Shop, experiment

AS_IS = Changes()


def ids(answer: Recommendations) -> list[str]:
    return [item.item_id for item in answer.items]


async def test_without_an_experiment_an_answer_has_its_id_and_nothing_is_written_down() -> None:
    shop = Shop()
    answer = await shop.ask()
    assert (answer.request_id, len(answer.items)) == ("r1", K)
    assert not answer.experiments
    assert await shop.exposures() == []


async def test_a_user_gets_the_variants_list_and_it_is_written_down() -> None:
    shop = Shop()
    without = ids(await shop.ask())
    await shop.put(experiment("x", AS_IS, Changes(sources=("popular_all",))))
    popular = [f"i{n}" for n in range(N_ITEMS - 1, N_ITEMS - 1 - K, -1)]
    variants = Counter[str]()
    for n in range(40):
        answer = await shop.ask(f"u{n}", f"r{n}")
        assert isinstance(answer.experiments, dict)
        variant = answer.experiments["x"]
        variants[variant] += 1
        assert ids(answer) == (without if variant == "a" else popular)
        assert all(item.team is None for item in answer.items)
    assert set(variants) == {"a", "b"}
    exposures = await shop.exposures()
    assert [(one.user_id, one.request_id) for one in exposures] == [(f"u{n}", f"r{n}") for n in range(40)]
    assert Counter(one.experiments[0][2] for one in exposures) == variants
    assert all(one.experiments[0][:2] == ("x", 1) and one.interleaved is None for one in exposures)
    assert exposures[0].items == ids(await shop.ask("u0"))
    assert shop.metrics.counts["recommender.exposures_appended"] == 40


@pytest.mark.parametrize(
    "changes",
    [
        Changes(ranking="equal"),
        Changes(diversity=0.9),
        Changes(exploration=0.9),
        Changes(generation="champion"),
    ],
)
async def test_every_change_is_served(changes: Changes) -> None:
    shop = Shop()
    without = await shop.ask()
    await shop.put(experiment("x", changes, changes))
    answer = await shop.ask()
    assert len(answer.items) == K
    assert answer.degraded is False
    if changes.diversity:
        assert ids(answer) != ids(without)
    if changes.exploration:
        assert any(item.source == "new" for item in answer.items)
    if changes.generation:
        assert ids(answer) == ids(without)


async def test_what_a_request_names_itself_goes_before_a_variant() -> None:
    shop = Shop()
    without = ids(await shop.ask())
    await shop.put(experiment("x", Changes(diversity=0.9), Changes(diversity=0.9)))
    assert ids(await shop.ask(is_diversity_named=True)) == without


async def test_a_cursor_goes_on_when_an_experiment_begins_or_ends() -> None:
    shop = Shop()
    first = await shop.ask()
    await shop.put(experiment("x", Changes(diversity=0.9), Changes(diversity=0.8)))
    second = await shop.ask(cursor=first.next_cursor)
    await shop.experimenting.editor.stop("x", "enough")
    await shop.experimenting.running.refresh()
    third = await shop.ask(cursor=second.next_cursor)
    shown = ids(first) + ids(second) + ids(third)
    assert len(set(shown)) == 3 * K


async def test_interleaving_mixes_all_variants_and_names_the_team_of_each_item() -> None:
    shop = Shop()
    changes = (AS_IS, Changes(sources=("popular_all",)))
    alone = [ids(await shop.ask())]
    await shop.put(experiment("y", changes[1], changes[1]))
    alone.append(ids(await shop.ask()))
    await shop.store.delete_experiment("y")
    await shop.put(experiment("x", *changes, design="interleaved"))
    seen_teams = Counter[tuple[str | None, ...]]()
    for n in range(30):
        answer = await shop.ask("u1", f"r{n}")
        assert answer.experiments == {"x": "interleaved"}
        teams = [item.team for item in answer.items]
        seen_teams[tuple(teams)] += 1
        assert abs(teams.count("a") - teams.count("b")) <= 1
        assert len(set(ids(answer))) == K
        for item in answer.items:
            assert item.item_id in alone["ab".index(item.team or "")]
    assert len(seen_teams) > 1, "chance decides who draws first"
    again = await shop.ask("u1", "r0")
    exposures = await shop.exposures()
    assert ids(again) == exposures[-31].items, "a request that is repeated gets the same list"
    assert exposures[-1].interleaved == "x"
    assert ["ab"[team] for team in exposures[-1].teams] == [item.team for item in again.items]
    assert exposures[-1].propensities is None


async def test_pages_of_an_interleaved_list_repeat_nothing() -> None:
    shop = Shop()
    await shop.put(experiment("x", AS_IS, Changes(sources=("popular_all",)), design="interleaved"))
    shown: list[str] = []
    cursor = None
    for n in range(3):
        answer = await shop.ask("u1", f"r{n}", cursor=cursor)
        shown += ids(answer)
        cursor = answer.next_cursor
    assert len(set(shown)) == len(shown) == 3 * K
    with pytest.raises(InvalidInput):
        await shop.ask("u2", cursor=cursor)


async def test_layers_are_independent_and_both_are_told() -> None:
    shop = Shop()
    await shop.put(
        experiment("x", AS_IS, Changes(sources=("popular_all",)), design="interleaved"),
        experiment("y", AS_IS, Changes(diversity=0.5), layer="page"),
    )
    pairs = Counter[str]()
    for n in range(40):
        told = (await shop.ask(f"u{n}")).experiments
        assert isinstance(told, dict)
        assert told["x"] == "interleaved"
        pairs[told["y"]] += 1
    assert set(pairs) == {"a", "b"}
    assert len((await shop.exposures())[0].experiments) == 2


async def test_an_audience_goes_by_the_users_attributes() -> None:
    shop = Shop()
    await shop.store.put_attributes("u1", {"country": "NZ"})
    await shop.put(experiment("x", AS_IS, AS_IS, audience={"country": ("NZ",)}))
    assert (await shop.ask("u1")).experiments
    assert not (await shop.ask("u2")).experiments
    assert not (await shop.ask("nobody knows")).experiments


async def test_nobody_is_assigned_nor_written_down_where_no_user_is_named() -> None:
    shop = Shop(exposures_of="all")
    await shop.put(experiment("x", AS_IS, AS_IS))
    assert not (await shop.ask(None)).experiments
    assert await shop.exposures() == []


@pytest.mark.parametrize(("exposures_of", "n"), [("experiments", 1), ("all", 2), ("none", 0)])
async def test_what_is_written_down_is_a_setting(exposures_of: str, n: int) -> None:
    shop = Shop(exposures_of=exposures_of)  # type: ignore[arg-type]
    await shop.put(experiment("x", AS_IS, AS_IS, ramp=50))
    assigner = Assigner((await shop.store.get_experiments()).experiments)
    outside = next(f"u{n}" for n in range(40) if not assigner.assigned(f"u{n}", {}))
    inside = next(f"u{n}" for n in range(40) if assigner.assigned(f"u{n}", {}))
    await shop.ask(inside)
    assert not (await shop.ask(outside)).experiments
    assert len(await shop.exposures()) == n


async def test_an_experiment_of_one_user_and_odd_ids() -> None:
    shop = Shop()
    await shop.put(experiment("x", AS_IS, AS_IS, ramp=0.0000001))
    assert not (await shop.ask("a/b \U0001f3ac")).experiments
    await shop.store.delete_experiment("x")
    await shop.put(experiment("x", AS_IS, AS_IS))
    for user_id in ("a/b \U0001f3ac", "ü" * 128, "nul\0byte", "%2F"):
        assert (await shop.ask(user_id)).experiments
    assert {one.user_id for one in await shop.exposures()} >= {"ü" * 128, "nul\0byte"}


async def test_propensities_stand_in_lists_that_chance_had_a_part_in() -> None:
    shop = Shop(share=0.05)
    await shop.put(experiment("x", AS_IS, AS_IS))
    for n in range(60):
        await shop.ask("u1", f"r{n}", k=10)
    exposures = await shop.exposures()
    known = [one for one in exposures if one.propensities is not None]
    assert len(known) > 20, "known from the first list on that a new item came into"
    for one in known:
        assert one.propensities is not None
        assert one.propensities[:5] == [1.0] * 5
        new = [p for p, source in zip(one.propensities, one.sources, strict=True) if source == "new"]
        assert all(p == pytest.approx(0.1) for p in new)
    assert any("new" in one.sources for one in known)


async def test_hidden_items_stay_hidden_in_every_variant() -> None:
    shop = Shop()
    await shop.store.put_items([Item(f"i{n}", is_hidden=True) for n in range(N_ITEMS - 5, N_ITEMS)])
    await shop.put(experiment("x", Changes(sources=("popular_all",)), AS_IS, design="interleaved"))
    hidden = {f"i{n}" for n in range(N_ITEMS - 5, N_ITEMS)}
    assert hidden.isdisjoint(ids(await shop.ask("u1", k=20)))


async def test_an_erased_user_is_not_written_down_any_more() -> None:
    shop = Shop()
    await shop.put(experiment("x", AS_IS, AS_IS))
    await shop.ask("u1")
    await shop.ask("u2")
    shop.experimenting.log.forget_user("u1")
    assert [one.user_id for one in await shop.exposures()] == ["u2"]


async def test_a_log_that_is_away_costs_no_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = Shop()
    await shop.put(experiment("x", AS_IS, AS_IS))

    def refuse(topic: str, messages: object, fence: object = None) -> None:
        raise Unavailable("the log is away")

    monkeypatch.setattr(shop.sink, "append", refuse)
    monkeypatch.setattr("streamrec.serving.experiments.exposure_log.MAX_WAITING", 3)
    for n in range(5):
        assert (await shop.ask("u1", f"r{n}")).experiments
    assert shop.metrics.counts["recommender.exposures_dropped"] == 2
    await shop.experimenting.log.aclose()
    assert shop.metrics.counts["recommender.exposures_dropped"] == 5
    assert not shop.log.records.get(IMPRESSIONS)
    await shop.ask("u1")
    assert shop.metrics.counts["recommender.exposures_dropped"] == 6


async def test_a_variant_shows_lists_that_were_made_beforehand() -> None:
    shop = Shop()
    without = ids(await shop.ask())
    lists = {"u1": [ListedItem("i8", 3.0), ListedItem("i4", 2.0)]}
    batch = Batch("als", 1, 1, 5.0, "0" * 64)
    await shop.put(experiment("x", Changes(batch="als"), Changes(batch="als")))
    assert ids(await shop.ask()) == without, "none is published under the name"
    await shop.store.put_batch_lists("als", 1, lists)
    await shop.store.publish_batch(batch)
    async with asyncio.timeout(300):
        while ids(await shop.ask())[:2] != ["i8", "i4"]:  # published lists are read now and then
            await asyncio.sleep(0.1)
    answer = await shop.ask()
    assert answer.items[0].source == "batch"
    assert len(set(ids(answer))) == K
    assert (await shop.exposures())[-1].sources[0] == "batch"
