"""Names of what is counted of items that were shown."""

SHOWN = "shown"
"""In a list for anybody."""

SHOWN_TO_USER = "shown_to_user"
"""In a list for a user who was named."""

CHOSEN = "chosen"
"""By a user to whom it was shown here within the hour before; once for all of these times."""

BOUGHT = "bought"
"""The same, by an event that is a purchase."""

EVENT = "event:"
"""Before the type of an event."""

OTHER_SEGMENT = "other"
"""Of lists of a batch and lists that were made beforehand: nobody looked at how many events the user has."""


def step_name(segment: str | None, step: str) -> str:
    """Return the name of a step of users of a segment; it is counted by source instead of by item.

    >>> step_name("cold", SHOWN), step_name(None, BOUGHT)
    ('journey:cold:shown', 'journey:other:bought')
    """
    return f"journey:{segment or OTHER_SEGMENT}:{step}"
