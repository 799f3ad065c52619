"""How the ratings of GAIR/preference-dissection become comparisons: the rules of Li et al. (ACL 2024, arXiv 2402.11296).

Each function gives native properties of one row: name → scores of both sides, or the comparison, or both.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from dissection import properties
from dissection.readers.rows import Rows, means_missing
from dissection.text_properties import compare_lengths
from dissection.verdicts import is_boolean, number

RATINGS: Final = "a rating from 0 to 3"
SEVERITIES: Final = ("minor", "moderate", "severe")
STANCES: Final = {"strongly supported": 2.0, "weakly supported": 1.0, "neutral": 0.0, "weakly opposed": -1.0, "strongly opposed": -2.0}
CORRECTIONS: Final = {
    "pointed out and corrected": 3.0,
    "corrected without being pointed out": 2.0,
    "pointed out but not corrected": 1.0,
    "neither pointed out nor corrected": 0.0,
}
# Property → the condition under which it is asked, the name of its field, and the words of its scale (None: ratings 0 to 3).
SPECIFIC: Final[Mapping[str, tuple[str, str, Mapping[str, float] | None]]] = {
    "clarifies intent": ("intent_unclear", "clarify user intent", None),
    "empathetic": ("express_feeling", "showing empathetic", None),
    "meets constraints": ("w_constraints", "satisfying explicit constraints", None),
    "supports stances": ("w_stances", "supporting explicit subjective stances", STANCES),
    "corrects mistakes": ("w_mistakes", "correcting explicit mistakes or biases", CORRECTIONS),
}
_FLAGS: Final = ("applicable to detect errors", "accuracy check")
_ERRORS: Final = ("errors", "inaccuracies", "detected errors")
_APPLICABLE: Final = {"applicable": True, "yes": True, "true": True, "not applicable": False, "no": False, "false": False}


def part(rows: Rows, index: int, column: str) -> Mapping[str, Any]:
    """The object in a cell.

    Raises:
        DatasetError: it holds something else.
    """
    value = rows.rows[index].get(column)
    if not isinstance(value, Mapping):
        raise rows.wrong(index, column, value, "an object")
    return value


def field(rows: Rows, index: int, column: str, names: tuple[str, ...]) -> Any:
    """The first of these fields that the object in a cell has.

    Raises:
        DatasetError: it has none of them; the message names them.
    """
    fields = part(rows, index, column)
    for name in names:
        if name in fields:
            return fields[name]
    raise rows.wrong(index, column, list(fields), f"an object with the field {' or '.join(repr(name) for name in names)}")


def basic(rows: Rows, index: int) -> dict[str, dict[str, float]]:
    """The 20 basic properties: ratings from 0 to 3, by sign; repetition turned, relevance as zero against non-zero."""
    found: dict[str, dict[str, float]] = {}
    for property_ in properties.paper_properties()[:20]:
        # The rating is of repetition, the property its absence.
        turned = property_.name == "non-repetitive"
        names = ("repetitive",) if turned else (property_.name, *property_.aliases)
        a, b = (_rating(rows, index, f"basic_response_{s}", field(rows, index, f"basic_response_{s}", names)) for s in (1, 2))
        found[property_.name] = {"a": 3 - a, "b": 3 - b} if turned else {"a": a, "b": b}
    a, b = found["relevant"]["a"], found["relevant"]["b"]
    if not np.isnan(a + b):  # only "not at all" against "at least a little" counts
        found["relevant"]["comparison"] = float(a > 0) - float(b > 0)
    return found


def _rating(rows: Rows, index: int, column: str, value: object) -> float:
    found = rows.number(index, "ratings", value)
    if found < 0 or found > 3:
        raise rows.wrong(index, column, value, RATINGS)
    return found


def accuracy(rows: Rows, index: int) -> dict[str, dict[str, float | None]]:
    """+1 for no errors of a severity if A has fewer of them; None where either answer could not be checked."""
    counts = [_errors(rows, index, f"errors_response_{side}") for side in (1, 2)]
    of_a, of_b = counts
    return {
        f"no {severity} errors": {"comparison": None if of_a is None or of_b is None else float(np.sign(of_b[severity] - of_a[severity]))}
        for severity in SEVERITIES
    }


def _errors(rows: Rows, index: int, column: str) -> dict[str, int] | None:
    """How many errors of each severity an answer has; None where they could not be looked for."""
    flag = field(rows, index, column, _FLAGS)
    applicable = bool(flag) if is_boolean(flag) else _APPLICABLE.get(flag.strip().casefold()) if isinstance(flag, str) else None
    if applicable is None and flag is not None:
        raise rows.wrong(index, column, flag, "applicable or not applicable")
    errors = field(rows, index, column, _ERRORS)
    if not applicable:
        return None
    counts = dict.fromkeys(SEVERITIES, 0)
    if errors is not None and not isinstance(errors, list):
        raise rows.wrong(index, column, errors, "a list of errors, each with a severity")
    for error in errors or []:
        severity = error.get("severity") if isinstance(error, Mapping) else None
        known = severity.strip().casefold() if isinstance(severity, str) else ""
        if known in counts:
            counts[known] += 1
        else:
            rows.leave_out("errors have no known severity (minor, moderate, severe) and were not counted", index, severity)
    return counts


def specific(rows: Rows, index: int, conditions: list[str]) -> dict[str, dict[str, float]]:
    """The query-specific properties: means over what the query holds, 0 on both sides where their condition does not hold."""
    found = {}
    for name, (condition, asked, words) in SPECIFIC.items():
        scores = (
            [_mean(rows, index, f"query-specific_response_{s}", asked, words) for s in (1, 2)] if condition in conditions else [0.0, 0.0]
        )
        found[name] = {"a": scores[0], "b": scores[1]}
    return found


def _mean(rows: Rows, index: int, column: str, asked: str, words: Mapping[str, float] | None) -> float:
    """The mean over the constraints, stances or mistakes: a single value, a list of them, or an object {which: value}."""
    value = field(rows, index, column, (asked,))
    parts = list(value.values()) if isinstance(value, Mapping) else value if isinstance(value, list) else [value]
    known: list[float] = []
    for part in parts:
        if isinstance(part, Mapping | list):
            raise rows.wrong(index, f"{column}, {asked}", part, "one value for each")
        score = words.get(part.strip().casefold()) if words and isinstance(part, str) else number(part)
        if score is not None and (words or 0 <= score <= 3):
            known.append(score)
        # A struct of Parquet has the keys of all rows, so what is missing there belongs to another row.
        elif not means_missing(part):
            rows.leave_out(f"values of {asked!r} are unknown and were left out", index, part)
    if not known:
        rows.leave_out(f"answers are not assessed on {asked!r} though the query asks for it; fits leave their pairs out", index, value)
    return float(np.mean(known)) if known else float("nan")


def length(rows: Rows, index: int) -> dict[str, float]:
    """The number of words of both answers, compared by the paper's rule."""
    words = []
    for column in ("response_1", "response_2"):
        count = number(field(rows, index, column, ("num_words",)))
        if count is None or count < 0:
            raise rows.wrong(index, column, field(rows, index, column, ("num_words",)), "num_words: the number of words")
        words.append(count)
    return {"a": words[0], "b": words[1], "comparison": float(compare_lengths(int(words[0]), int(words[1])))}
