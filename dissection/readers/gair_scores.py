"""The ratings of GAIR/preference-dissection out of its rows; how they become comparisons is in `rating_rules`.

Each function gives native properties of one row: name → scores of both sides, or the comparison, or both.
"""

from collections.abc import Mapping
from typing import Any, Final

from dissection import properties, rating_rules
from dissection.rating_rules import MOST_RATING, SEVERITIES, SPECIFIC, TURNED
from dissection.readers.rows import Rows, means_missing
from dissection.verdicts import is_boolean, number

RATINGS: Final = "a rating from 0 to 3"
# Query-specific property → the name of its field.
_FIELDS: Final = {
    "clarifies intent": "clarify user intent",
    "empathetic": "showing empathetic",
    "meets constraints": "satisfying explicit constraints",
    "supports stances": "supporting explicit subjective stances",
    "corrects mistakes": "correcting explicit mistakes or biases",
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
        names = ("repetitive",) if property_.name == TURNED else (property_.name, *property_.aliases)
        a, b = (_rating(rows, index, f"basic_response_{s}", field(rows, index, f"basic_response_{s}", names)) for s in (1, 2))
        found[property_.name] = rating_rules.basic(property_.name, a, b)
    return found


def _rating(rows: Rows, index: int, column: str, value: object) -> float:
    found = rows.number(index, "ratings", value)
    if found < 0 or found > MOST_RATING:
        raise rows.wrong(index, column, value, RATINGS)
    return found


def accuracy(rows: Rows, index: int) -> dict[str, dict[str, float | None]]:
    """+1 for no errors of a severity if A has fewer of them; None where either answer could not be checked."""
    of_a, of_b = (_errors(rows, index, f"errors_response_{side}") for side in (1, 2))
    return rating_rules.accuracy(of_a, of_b)


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
    for name, (condition, words) in SPECIFIC.items():
        columns = [f"query-specific_response_{side}" for side in (1, 2)]
        scores = [_mean(rows, index, column, _FIELDS[name], words) for column in columns] if condition in conditions else [0.0, 0.0]
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
        if score is not None and (words or 0 <= score <= MOST_RATING):
            known.append(score)
        # A struct of Parquet has the keys of all rows, so what is missing there belongs to another row.
        elif not means_missing(part):
            rows.leave_out(f"values of {asked!r} are unknown and were left out", index, part)
    if not known:
        rows.leave_out(f"answers are not assessed on {asked!r} though the query asks for it; fits leave their pairs out", index, value)
    return rating_rules.mean_of(known)


def length(rows: Rows, index: int) -> dict[str, float]:
    """The number of words of both answers, compared by the paper's rule."""
    words = []
    for column in ("response_1", "response_2"):
        count = number(field(rows, index, column, ("num_words",)))
        if count is None or count < 0:
            raise rows.wrong(index, column, field(rows, index, column, ("num_words",)), "num_words: the number of words")
        words.append(count)
    return rating_rules.length(words[0], words[1])
