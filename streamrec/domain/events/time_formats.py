"""Times in a form that a sender names: a unit since 1970, or a pattern of a date."""

import re
from datetime import UTC, datetime

from streamrec.domain.events.times import BadTime, seconds_of
from streamrec.errors import InvalidDataset

UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
EXCEL = "excel"
_EXCEL_1970 = 25_569  # days from spreadsheets' day 0 to 1970-01-01
_DAY_S = 86_400.0
_UNSEPARATED = re.compile("(?:%[YmdHMSyj])+")
_N_DIGITS = {"Y": 4, "j": 3}  # the others have 2
_ZONE_NAME = re.compile(r"\s*\([^()]*\)$")  # as browsers write it: GMT+0100 (CET)
_WANTED = "s, ms, us, ns, excel, or a pattern such as %d.%m.%Y %H:%M"


class TimeFormat:
    """Reads times of one form.

    Parameters
    ----------
    name
        ``s``, ``ms``, ``us`` or ``ns`` (since 1970), ``excel`` (days, as spreadsheets count them), or a
        pattern of `datetime.strptime`. Times without a zone are taken as UTC.

    Raises
    ------
    InvalidDataset
        When it is none of these.

    >>> TimeFormat("ms").seconds_of("1700000000500"), TimeFormat("%d.%m.%Y").seconds_of("10.03.2024")
    (1700000000.5, 1710028800.0)
    >>> TimeFormat("excel").seconds_of(45361.5)
    1710072000.0
    """

    def __init__(self, name: str) -> None:
        self.name = name
        # Without separators `strptime` takes fewer digits as well: 20231114 would be 01:04 of January 1st.
        digits = name[1::2] if _UNSEPARATED.fullmatch(name) else ""
        self._n_digits = sum(_N_DIGITS.get(letter, 2) for letter in digits)
        if name in UNITS or name == EXCEL:
            return
        try:
            written = datetime(2024, 3, 10, 9, 30, tzinfo=UTC).strftime(name)
            year = datetime.strptime(written, name).year  # noqa: DTZ007 - only the year is asked for
        except (ValueError, UnicodeError) as error:
            raise InvalidDataset(
                f"--time-format {name!r} can't be read ({error}); wanted {_WANTED}"
            ) from error
        if "%" not in name or year != 2024:
            raise InvalidDataset(f"--time-format {name!r} holds no year; wanted {_WANTED}")

    def seconds_of(self, given: str | float) -> float:
        """Return Unix seconds.

        Raises
        ------
        BadTime
            When the time is of another form; the message says so.
        """
        if self.name in UNITS:
            return seconds_of(self._number(given) * UNITS[self.name])
        if self.name == EXCEL:
            return seconds_of(round((self._number(given) - _EXCEL_1970) * _DAY_S, 3))
        text = str(given).strip()
        if self._n_digits and len(text) != self._n_digits:
            raise BadTime(f"is not of the form {self.name}: give another --time-format")
        try:
            moment = datetime.strptime(_ZONE_NAME.sub("", text), self.name)  # noqa: DTZ007 - see below
        except (ValueError, OverflowError):
            raise BadTime(f"is not of the form {self.name}: give another --time-format") from None
        try:
            return seconds_of((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
        except (ValueError, OverflowError):
            raise BadTime("is out of range") from None

    def _number(self, given: str | float) -> float:
        try:
            return float(given)
        except (ValueError, OverflowError):
            raise BadTime(f"is no number, as --time-format {self.name} wants") from None
