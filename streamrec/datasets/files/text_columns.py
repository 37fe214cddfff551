"""Columns of text whose first rows tell what was meant: days as numbers, ids that were floats."""

import re
from collections.abc import Iterable, Sequence

from streamrec.domain.events.times import MAX_DAY_NUMBER, is_day_number
from streamrec.domain.events.values import DayNumbers

_NUMBER = re.compile(r"[+-]?(0|[1-9]\d{0,14})(\.\d{1,15})?([eE][+-]?\d{1,2})?", re.ASCII)
_NUMBER_WITH_COMMA = re.compile(r"([+-]?)(0|[1-9]\d{0,2}(?:\.\d{3})+|[1-9]\d*)(?:,(\d+))?", re.ASCII)
_FLOAT = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?", re.ASCII)
_SIGN = r"[A-Z]{3}|[$€£¥₹₽₩₺%]|[A-Z]{1,3}\$|zł|kr\.?|Kč|Ft|lei"
_AMOUNT = re.compile(rf"({_SIGN})?\s*([+-]?\d[\d.,'\s]*)\s*({_SIGN})?")
_GROUP = re.compile(r"(?<=\d)['\s](?=\d{3}(?!\d))")
_TRUTHS = {
    **dict.fromkeys(("true", "yes", "y", "t", "1", "x", "ja", "oui", "si", "sí"), True),
    **dict.fromkeys(("false", "no", "n", "f", "0", "", "nein", "non"), False),
}

N_ROWS_PEEKED = 1000
"""Rows that tell; the memory that they take is bounded with them."""

_SHARE_OF_DAYS = 0.9  # of a made stream's own numbers at most 31 of 100 look like days
_WHOLE = re.compile(r"-?\d+(\.0+)?", re.ASCII)
_WHOLE_FLOAT = re.compile(r"-?\d+\.0+", re.ASCII)


def day_numbers_of(times: Iterable[object]) -> DayNumbers:
    """Return what a number such as 20240310 stands for in a column of times that begins like this.

    >>> day_numbers_of(["20240310", "20240401"]), day_numbers_of([0, 5, 20240310])
    ('only_days', 'seconds')
    >>> day_numbers_of(["2024-03-10", 1710028800])
    'days'
    """
    numbers = [number for time in times if (number := _number(time)) is not None]
    small = [number for number in numbers if 0 <= number < MAX_DAY_NUMBER]
    if not small:
        return "days"
    n_days = sum(map(is_day_number, small))
    return "only_days" if n_days > _SHARE_OF_DAYS * len(small) else "seconds"


def _number(time: object) -> float | None:
    try:
        return float(time)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None


def were_floats(ids: Sequence[object]) -> bool:
    """Return whether a column of text that begins like this holds whole numbers that were written as floats.

    >>> were_floats(["41.0", "41"]), were_floats(["1.0", "1.1"]), were_floats(["41"])
    (True, False, False)
    """
    texts = [id_ for id_ in ids if isinstance(id_, str)]
    return any(map(is_whole_float, texts)) and all(map(_WHOLE.fullmatch, texts))


def is_whole_float(text: str) -> bool:
    """Return whether a text is a whole number with a decimal point, such as 41.0."""
    return _WHOLE_FLOAT.fullmatch(text) is not None


def with_point(text: str, decimal: str) -> str:
    """Return a number as the rest of the world writes it, where decimals stand behind a comma.

    >>> [with_point(text, ",") for text in ("12,50", "1.234,5", "-0,5", "a,b", "7")]
    ['12.50', '1234.5', '-0.5', 'a,b', '7']
    >>> with_point("12,50", ".")
    '12,50'
    """
    if decimal == ".":
        return text
    parts = _NUMBER_WITH_COMMA.fullmatch(text.strip())
    if parts is None:
        return text
    sign, whole, decimals = parts.groups()
    return f"{sign}{whole.replace('.', '')}" + (f".{decimals}" if decimals else "")


def amount_of(text: str, decimal: str = ".") -> str:
    """Return the number of an amount, without its currency and what groups its thousands; else the text.

    >>> [amount_of(text) for text in ("$5.50", "1,100.50", "USD 1,234", "95%", "1,234", "a1", "7")]
    ['5.50', '1100.50', '1234', '95', '1,234', 'a1', '7']
    >>> amount_of("1.100,50 €", ","), amount_of("1 100,50 zł", ",")
    ('1100.50', '1100.50')
    """
    if _FLOAT.fullmatch(text):
        return text
    parts = _AMOUNT.fullmatch(text.strip())
    if parts is None:
        return with_point(text, decimal)
    before, number, after = parts.groups()
    group = "." if decimal == "," else ","
    number = _GROUP.sub("", number.strip())
    point = re.escape(decimal)
    if re.fullmatch(rf"[+-]?\d{{1,3}}(?:{re.escape(group)}\d{{3}})+(?:{point}\d+)?", number):
        # Of 1,234 by itself, without decimals or a currency, it can't be known what the comma is.
        if not before and not after and decimal not in number:
            return with_point(text, decimal)
        number = number.replace(group, "")
    number = number.replace(decimal, ".")
    return number if _FLOAT.fullmatch(number) else text


def is_plain_number(text: str) -> bool:
    """Return whether a text is a number as JSON has it, or about so: most are, and need no closer look."""
    return _FLOAT.fullmatch(text) is not None


def has_decimal_comma(text: str) -> bool:
    """Return whether a text is a number with a comma before its decimals, such as 12,50."""
    return "," in text and _NUMBER_WITH_COMMA.fullmatch(text.strip()) is not None


def number_of(text: str, decimal: str = ".") -> float | None:
    """Return the number that a text of an attribute is; None: it is none.

    Numbers that begin with zeros are codes, and so are those of more digits than a float keeps.

    >>> number_of("12"), number_of("12.50"), number_of("007"), number_of("1,5", ",")
    (12, 12.5, None, 1.5)
    """
    plain = with_point(text, decimal)
    if _NUMBER.fullmatch(plain) is None:
        return None
    return float(plain) if set(plain) & set(".eE") else int(plain)


def parts_of_list(text: str, separator: str) -> list[str]:
    """Return the parts of a text that is a list, without blanks around them and without empty ones.

    >>> parts_of_list("tea | rain|", "|")
    ['tea', 'rain']
    """
    return [part.strip() for part in text.split(separator) if part.strip()]


def is_word(given: object) -> bool:
    """Return whether it is a text without blanks and quotation marks, as ids mostly are.

    >>> is_word("i1"), is_word("a film"), is_word(7)
    (True, False, False)
    """
    return isinstance(given, str) and not any(mark in given for mark in ' \t"')


def truth_of(text: str) -> bool | None:
    """Return what a text such as yes or 0 says; None: neither.

    >>> truth_of("Yes"), truth_of("0"), truth_of("perhaps")
    (True, False, None)
    """
    return _TRUTHS.get(text.strip().lower())
