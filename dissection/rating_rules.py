"""How ratings of two answers become comparisons: the rules of Li et al. (ACL 2024, arXiv 2402.11296).

Each function gives a native property: the scores of both sides, or the comparison, or both. A rating is a number from 0 to 3.
"""

from collections.abc import Mapping, Sequence
from typing import Final

import numpy as np

from dissection.properties import paper_properties
from dissection.text_properties import compare_lengths

MOST_RATING: Final = 3
BASIC: Final = tuple(property_.name for property_ in paper_properties()[:20])
# Rated by its opposite, "repetitive", whose rating is turned.
TURNED: Final = "non-repetitive"
SEVERITIES: Final = ("minor", "moderate", "severe")
STANCES: Final = {"strongly supported": 2.0, "weakly supported": 1.0, "neutral": 0.0, "weakly opposed": -1.0, "strongly opposed": -2.0}
CORRECTIONS: Final = {
    "pointed out and corrected": 3.0,
    "corrected without being pointed out": 2.0,
    "pointed out but not corrected": 1.0,
    "neither pointed out nor corrected": 0.0,
}
# Property → the condition under which it is asked, and the words of its scale (None: ratings 0 to 3).
SPECIFIC: Final[Mapping[str, tuple[str, Mapping[str, float] | None]]] = {
    "clarifies intent": ("intent_unclear", None),
    "empathetic": ("express_feeling", None),
    "meets constraints": ("w_constraints", None),
    "supports stances": ("w_stances", STANCES),
    "corrects mistakes": ("w_mistakes", CORRECTIONS),
}
ACCURACY: Final = tuple(f"no {severity} errors" for severity in SEVERITIES)
LENGTH: Final = "longer"


def basic(name: str, a: float, b: float) -> dict[str, float]:
    """A basic property, by sign; repetition turned, relevance as zero against non-zero.

    Args:
        name: one of `BASIC`.
        a: the rating of A, 0 to 3, of repetition for `TURNED`; NaN where there is none.
        b: the same of B.
    """
    if name == TURNED:
        return {"a": MOST_RATING - a, "b": MOST_RATING - b}
    if name == "relevant" and not np.isnan(a + b):  # only "not at all" against "at least a little" counts
        return {"a": a, "b": b, "comparison": float(a > 0) - float(b > 0)}
    return {"a": a, "b": b}


def accuracy(of_a: Mapping[str, int] | None, of_b: Mapping[str, int] | None) -> dict[str, dict[str, float | None]]:
    """+1 for no errors of a severity if A has fewer of them.

    Args:
        of_a: severity → number of errors of A; None where its accuracy could not be checked: then nothing is compared.
        of_b: the same of B.
    """
    return {
        name: {"comparison": None if of_a is None or of_b is None else float(np.sign(of_b[severity] - of_a[severity]))}
        for name, severity in zip(ACCURACY, SEVERITIES, strict=True)
    }


def mean_of(scores: Sequence[float]) -> float:
    """A query-specific score: the mean over the constraints, stances or mistakes that the query holds; NaN where none was assessed."""
    return float(np.mean(scores)) if scores else float("nan")


def length(words_a: float, words_b: float) -> dict[str, float]:
    """The number of words of both answers, compared by the paper's rule."""
    return {"a": words_a, "b": words_b, "comparison": float(compare_lengths(int(words_a), int(words_b)))}
