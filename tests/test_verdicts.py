"""The words for verdicts."""

import math
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dissection.errors import LabelError
from dissection.verdicts import A_WORDS, B_WORDS, MISSING_WORDS, TIE_WORDS, number, parse_verdict, parse_verdict_orders, shown, word_verdict
from tests.strategies import spelled

FORMAT_A = ["a", "A", "1", "response_1", "response_a", "output_1", "model_a", "text_a", "left", "first", "[[A]]"]
FORMAT_B = ["b", "B", "2", "response_2", "response_b", "output_2", "model_b", "text_b", "right", "second", "[[B]]"]
FORMAT_TIE = ["tie", "draw", "both", "equal", "neither", "tie (bothbad)", "[[C]]"]
FORMAT_MISSING = ["", "null", "none", "n/a", "nan", "refusal", "error", "  ", "NaN", "None", "N/A", "NULL"]


@pytest.mark.parametrize(("words", "verdict"), [(FORMAT_A, 1.0), (FORMAT_B, 0.0), (FORMAT_TIE, 0.5)])
def test_every_word_of_the_format(words: list[str], verdict: float) -> None:
    for word in words:
        assert parse_verdict(word) == verdict
        assert parse_verdict(f"  {word.upper()}\t") == verdict


@pytest.mark.parametrize(
    "value", [*FORMAT_MISSING, None, math.nan, np.nan, np.float32("nan"), pd.NA, pd.NaT, Decimal("NaN"), Decimal("sNaN")]
)
def test_missing_values(value: object) -> None:
    assert math.isnan(parse_verdict(value))


@given(st.sampled_from([1.0, 0.0, 0.5, math.nan]).flatmap(lambda verdict: st.tuples(st.just(verdict), spelled(verdict))))
def test_case_and_spaces_do_not_matter(pair: tuple[float, str]) -> None:
    assert parse_verdict(pair[1]) == pytest.approx(pair[0], nan_ok=True)


@given(st.floats(0, 1))
def test_numbers_are_probabilities_and_so_is_their_text(value: float) -> None:
    assert parse_verdict(value) == value
    assert parse_verdict(repr(value)) == value
    assert parse_verdict(np.float64(value)) == value


@pytest.mark.parametrize(
    ("value", "verdict"), [(0, 0.0), (1, 1.0), (np.int8(1), 1.0), (Decimal("0.25"), 0.25), ("1e-3", 0.001), (".5", 0.5)]
)
def test_other_numbers(value: object, verdict: float) -> None:
    assert parse_verdict(value) == verdict


@pytest.mark.parametrize(
    "value", ["c", "A wins", "aa", "1.5", 2, -0.1, "inf", math.inf, "1_0", "١", "0x1", [], {}, ["a"], b"a", 10**400, "a" * 10_000]
)
def test_anything_else_is_refused_with_the_accepted_words(value: object) -> None:
    with pytest.raises(LabelError, match=r"response_1.*response_2.*bothbad.*refusal") as caught:
        parse_verdict(value)
    assert len(str(caught.value)) < 700


@pytest.mark.parametrize("value", [True, False, np.True_])
def test_booleans_do_not_say_which_side(value: object) -> None:
    with pytest.raises(LabelError, match="which side"):
        parse_verdict(value)


def test_numbers_that_do_not_fit_are_no_numbers() -> None:
    assert number(10**400) is None
    assert number("9" * 100) is None
    assert number(True) is None
    assert word_verdict(1) is None


def test_both_orders() -> None:
    assert parse_verdict_orders({"ab": "a", "ba": 0.25}) == (1.0, 0.25)
    first, second = parse_verdict_orders({"ba": "tie"})
    assert math.isnan(first)
    assert second == 0.5
    assert parse_verdict_orders("b")[0] == 0.0
    with pytest.raises(LabelError, match="'first'"):
        parse_verdict_orders({"first": "a"})


def test_no_word_has_two_meanings() -> None:
    words = ["".join(word.lower().split()) for group in (A_WORDS, B_WORDS, TIE_WORDS, MISSING_WORDS) for word in group]
    assert len(set(words)) == len(words)


def test_a_huge_value_is_shown_short() -> None:
    assert len(shown("x" * 10**7)) < 70
    assert "too large" in shown(10**5000)
    assert shown(np.float64(3)) == "3.0"
