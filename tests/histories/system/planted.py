"""Faults that are planted into a process, for what histories look for has to be found."""

from collections.abc import Callable

import msgspec


def _forget_erasures() -> None:
    from streamrec.serving.catalog import Catalog

    async def erase_user(self: Catalog, user_id: str) -> None:
        await self._store.erase_user(user_id)

    Catalog.erase_user = erase_user  # type: ignore[method-assign]


def _show_hidden_items() -> None:
    from streamrec.domain.items.item import Item
    from streamrec.serving.catalog import Catalog

    put_items = Catalog.put_items

    async def put_shown(self: Catalog, items: list[Item]) -> None:
        await put_items(self, [msgspec.structs.replace(item, is_hidden=False) for item in items])

    Catalog.put_items = put_shown  # type: ignore[method-assign,assignment]


def is_lost(value: float | None) -> bool:
    """Return whether an event is lost where ticks are: the same ones, whatever batches they come in."""
    return value is not None and value % 2 == 0


def _lose_ticks() -> None:
    from streamrec.bars.handler import BarsHandler
    from streamrec.process.decoding import Batch

    handle = BarsHandler.handle

    def handle_most(self: BarsHandler, batch: Batch) -> None:
        decoded = batch.decoded
        kept = [place for place, event in enumerate(decoded.events) if not is_lost(event.value)]
        decoded = decoded._replace(
            events=[decoded.events[place] for place in kept],
            arrivals=[decoded.arrivals[place] for place in kept],
        )
        handle(self, batch._replace(decoded=decoded))

    BarsHandler.handle = handle_most  # type: ignore[method-assign]


def _count_clicks_twice() -> None:
    from streamrec.attribution.state.era_tally import EraTally
    from streamrec.domain.experiments.attribution import Act, Showing

    attribute = EraTally.attribute

    def attribute_twice(self: EraTally, showing: Showing, variant: str, act: Act) -> bool:
        if not attribute(self, showing, variant, act):
            return False
        showing.answers.pop()
        return attribute(self, showing, variant, act)

    EraTally.attribute = attribute_twice  # type: ignore[method-assign]


FAULTS: dict[str, Callable[[], None]] = {
    "": lambda: None,
    "erasures are forgotten": _forget_erasures,
    "hidden items are shown": _show_hidden_items,
    "ticks are lost": _lose_ticks,
    "clicks are counted twice": _count_clicks_twice,
}
"""By name; none by the empty one."""
