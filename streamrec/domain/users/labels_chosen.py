"""Labels of what users choose: the categories, and the tags, of the items."""

from streamrec.domain.events.observed import ObservedEvents, Retracted
from streamrec.domain.users.labels import UserLabels


class UserCategories(UserLabels):
    """The categories that users choose most."""

    def observe(self, events: ObservedEvents) -> None:
        """Count the categories of what was chosen."""
        chosen = events.choices
        self.count(chosen.user_rows, [of_item.categories for of_item in chosen.labels], chosen.values)

    def retract(self, pairs: Retracted) -> None:
        """Take back the categories of items."""
        self.take_back(pairs.user_rows, [of_item.categories for of_item in pairs.labels], pairs.n_choices)


class UserTags(UserLabels):
    """The tags that users choose most."""

    def observe(self, events: ObservedEvents) -> None:
        """Count the tags of what was chosen."""
        chosen = events.choices
        self.count(chosen.user_rows, [of_item.tags for of_item in chosen.labels], chosen.values)

    def retract(self, pairs: Retracted) -> None:
        """Take back the tags of items."""
        self.take_back(pairs.user_rows, [of_item.tags for of_item in pairs.labels], pairs.n_choices)
