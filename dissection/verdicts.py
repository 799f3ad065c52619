"""The words for verdicts: which spelling means A, B, a tie, or no verdict. Everything else is unknown and never turned into a side."""

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from numbers import Real
from typing import Final

import numpy as np
import pandas as pd

from dissection.errors import LabelError

A_WORDS: Final = ("a", "1", "response_1", "response_a", "output_1", "model_a", "text_a", "left", "first", "[[A]]")
B_WORDS: Final = ("b", "2", "response_2", "response_b", "output_2", "model_b", "text_b", "right", "second", "[[B]]")
TIE_WORDS: Final = ("tie", "draw", "both", "equal", "neither", "tie (bothbad)", "[[C]]")
MISSING_WORDS: Final = ("", "null", "none", "n/a", "nan", "refusal", "error")
ACCEPTED_WORDS: Final = (
    f"for A: {' '.join(A_WORDS)}; for B: {' '.join(B_WORDS)}; for a tie: {', '.join(TIE_WORDS)}; "
    f"for no verdict: empty, {', '.join(MISSING_WORDS[1:])} (case and spaces don't matter)"
)

# float() would also take "1_0", "infinity" and digits of other scripts, none of which a judge writes on purpose.
_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE)
_MAX_NUMBER_LENGTH = 60
_SHOWN_LENGTH = 60


def _key(text: str) -> str:
    return "".join(text.casefold().split())


def _lookup() -> dict[str, float]:
    sides = ((A_WORDS, 1.0), (B_WORDS, 0.0), (TIE_WORDS, 0.5), (MISSING_WORDS, math.nan))
    words = {_key(word): verdict for known, verdict in sides for word in known}
    # "Response 1" and "Model A" are "response_1" and "model_a" written with a space.
    return {**{word.replace("_", ""): verdict for word, verdict in words.items()}, **words}


_VERDICTS: Final = _lookup()


def shown(value: object) -> str:
    """The value as an error or a report names it: quoted, at most 60 characters of it."""
    if isinstance(value, np.generic):
        value = value.item()
    # A long text is cut before it is quoted, so that a file of one huge cell costs nothing; other values only when they print long.
    text = repr(value[: _SHOWN_LENGTH + 1]) if isinstance(value, str) else _safe_repr(value)
    return text if len(text) <= _SHOWN_LENGTH + 2 else text[:_SHOWN_LENGTH] + "…"


def _safe_repr(value: object) -> str:
    try:
        return repr(value)
    except (ValueError, RecursionError):  # ints of more than 4,300 digits and very deep lists don't print
        return f"a {type(value).__name__} too large to show"


def is_missing(value: object) -> bool:
    """Whether the value stands for "no verdict" without being a word: None, NaN, pandas' NA or NaT."""
    if isinstance(value, Decimal):
        return value.is_nan()
    if isinstance(value, float | np.floating):
        return math.isnan(value)
    return value is None or value is pd.NA or value is pd.NaT


def is_boolean(value: object) -> bool:
    """Whether the value is a boolean of Python or numpy. They are no verdicts: "true" doesn't say which side it is about."""
    return isinstance(value, bool | np.bool_)


def word_verdict(value: object) -> float | None:
    """The verdict of a word, in any case and spacing.

    Args:
        value: anything. Strings are looked up; None, NaN, NA and NaT are missing. Numbers are not words, though "1" and "2" are.

    Returns:
        1.0 for A, 0.0 for B, 0.5 for a tie, NaN for no verdict; None where it is none of these words.
    """
    if isinstance(value, str):
        return _VERDICTS.get(_key(value)) if len(value) <= _MAX_NUMBER_LENGTH else None
    return math.nan if is_missing(value) else None


def number(value: object) -> float | None:
    """The finite number that a cell holds, itself or as plain decimal text; None where it holds none. Booleans are no numbers."""
    if is_boolean(value):
        return None
    if isinstance(value, str):
        stripped = value.strip()
        if len(stripped) > _MAX_NUMBER_LENGTH or not _NUMBER.fullmatch(stripped):
            return None
        found = float(stripped)
    elif isinstance(value, Real | Decimal):
        try:
            found = float(value)
        except (OverflowError, ValueError):
            return None
    else:
        return None
    return found if math.isfinite(found) else None


def parse_verdict(value: object) -> float:
    """One verdict of the native form, where a number is the probability that A is preferred.

    Uploaded label files are not read with this: there 0 and 1 have two readings (see `dissection.labels`).

    Args:
        value: a word, None, or a number in [0, 1] (also as text: "0.83").

    Returns:
        P(A preferred) in [0, 1]: 1.0 for A, 0.0 for B, 0.5 for a tie; NaN for no verdict.

    Raises:
        LabelError: the value is none of these; the message lists the accepted words.
    """
    known = word_verdict(value)
    if known is not None:
        return known
    if is_boolean(value):
        raise LabelError(
            f"{shown(bool(value))} is not a verdict: it doesn't say which side it is about.",
            accepted=f"{ACCEPTED_WORDS}; or a number from 0 to 1, the probability that A is preferred",
            remedy='write "a" and "b"',
        )
    found = number(value)
    if found is not None and 0 <= found <= 1:
        return found
    raise LabelError(
        f"{shown(value)} is not a verdict." if found is None else f"{shown(value)} is not a probability from 0 to 1.",
        accepted=f"{ACCEPTED_WORDS}; or a number from 0 to 1, the probability that A is preferred",
        remedy='write "a", "b", "tie", or leave it empty',
    )


def parse_verdict_orders(value: object) -> tuple[float, float]:
    """A verdict of the native form that may say both orders: {"ab": verdict, "ba": verdict}.

    Returns:
        P(A preferred) when A was shown first (or the order is not known), and when B was shown first; NaN where missing.

    Raises:
        LabelError: a verdict is unknown, or the object has other keys than "ab" and "ba".
    """
    if not isinstance(value, dict | Mapping):
        return parse_verdict(value), math.nan
    other = [key for key in value if key not in ("ab", "ba")]
    if other:
        raise LabelError(
            f"A verdict has the key {shown(other[0])}.",
            accepted='"ab" (A was shown first) and "ba" (B was shown first)',
            remedy="name the orders ab and ba",
        )
    return parse_verdict(value.get("ab")), parse_verdict(value.get("ba"))
