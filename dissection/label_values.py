"""What the cells of one judge mean, all of them looked at together: 1 next to 2 is A, 1 next to 0 is asked, 1 next to 0.83 is certain."""

import math
from collections.abc import Callable, Sequence
from typing import Final, Literal, NamedTuple

from dissection.errors import AmbiguousLabelError
from dissection.label_columns import Meaning
from dissection.verdicts import is_missing, number, shown, word_verdict

MeaningOfOne = Literal["a", "b"]

# Every number that some tool writes for a side or a tie: -1/0/1, 0/0.5/1, 1/1.5/2.
_HARD: Final = frozenset((-1.0, 0.0, 0.5, 1.0, 1.5, 2.0))
_ONE_TWO: Final = {1.0: 1.0, 1.5: 0.5, 2.0: 0.0}


class Values(NamedTuple):
    """One verdict a cell: P(A preferred), NaN for no verdict, None for unknown; and in words how numbers were read."""

    verdicts: list[float | None]
    notes: tuple[str, ...]


def read_values(cells: Sequence[object], meaning: Meaning, meaning_of_one: MeaningOfOne | None, where: str) -> Values:
    """The verdicts of one judge.

    Args:
        cells: as they stand in the file; two values each for scores and log-probabilities.
        meaning: of the cells, by the names of their columns.
        meaning_of_one: which side 1 stands for, where that has two readings; None if the user wasn't asked yet.
        where: the place for messages.

    Raises:
        AmbiguousLabelError: the numbers of a label column have two readings and `meaning_of_one` doesn't decide.
    """
    if meaning == "probability":
        return Values([_word_or(cell, _probability) for cell in cells], ())
    if meaning == "score":
        return Values([_pair(cell, _score) for cell in cells], ())
    if meaning == "logprob":
        verdicts = [_pair(cell, _logprob) for cell in cells]
        positive = any(isinstance(cell, tuple) and any((number(part) or 0) > 0 for part in cell) for cell in cells)
        note = "Some log-probabilities are above 0; only the difference of the two was used, as for unnormalised scores."
        return Values(verdicts, (note,) if positive else ())
    numbers = {found for cell in cells if (found := number(cell)) is not None}
    if not numbers:
        return Values([word_verdict(cell) for cell in cells], ())
    read, note = _number_reader(numbers, meaning_of_one, where)
    return Values([_word_or(cell, read) for cell in cells], (note,) if note else ())


def _word_or(cell: object, read: Callable[[float], float | None]) -> float | None:
    # Numbers first: "1" and "2" are words too, but what they mean hangs on the whole column.
    found = number(cell)
    return word_verdict(cell) if found is None else read(found)


def _probability(value: float) -> float | None:
    return value if 0 <= value <= 1 else None


def _number_reader(numbers: set[float], one: MeaningOfOne | None, where: str) -> tuple[Callable[[float], float | None], str]:
    """How the numbers of a label column are read, and that in words."""
    fractions = any(0 < value < 1 and value != 0.5 for value in numbers)
    known = {value for value in numbers if (0 <= value <= 1 if fractions else value in _HARD)}
    if known and len(numbers - known) > 1:
        raise _ambiguous(
            numbers, "grades, margins or codes", "name two columns score_a and score_b if they are grades, or write a, b, tie", where
        )
    if fractions:
        return _probability, "Numbers were read as the probability that A is preferred."
    if known <= {0.5}:
        return {0.5: 0.5}.get, ""
    if known <= _ONE_TWO.keys() and known != {1.0}:
        return _ONE_TWO.get, "1 was read as A, 2 as B" + (", 1.5 as a tie." if 1.5 in known else ".")
    if known & {1.5, 2.0}:
        raise _ambiguous(numbers, "A, B and tie in more than one order", "write a, b, tie", where)
    if one is None:
        raise _ambiguous(
            numbers, "1 may mean that A wins, or that the second answer does", "say which side 1 stands for, or write a, b, tie", where
        )
    verdict = 1.0 if one == "a" else 0.0
    said = f"1 was read as {one.upper()}, {{}} as {'B' if one == 'a' else 'A'}, as you said"
    if -1.0 in known:
        return {1.0: verdict, -1.0: 1 - verdict, 0.0: 0.5}.get, said.format("-1") + "; 0 as a tie."
    return {1.0: verdict, 0.0: 1 - verdict, 0.5: 0.5}.get, said.format("0") + "."


def _ambiguous(numbers: set[float], readings: str, remedy: str, where: str) -> AmbiguousLabelError:
    found = ", ".join(f"{value:g}" for value in sorted(numbers)[:8]) + (" …" if len(numbers) > 8 else "")
    return AmbiguousLabelError(
        f"The labels are the numbers {found}, which have more than one reading: {readings}.",
        where=where,
        accepted="words (a, b, tie), 1 for A and 2 for B, or probabilities that A is preferred",
        remedy=remedy,
    )


# --- Two cells a label ------------------------------------------------------------------------------------------------------------


def _pair(cell: object, read: Callable[[float, float], float | None]) -> float | None:
    """The verdict of two cells: none where one is missing, unknown where one is no number."""
    parts = cell if isinstance(cell, tuple) else (cell, None)
    found = [_extended(part) for part in parts]
    if None in found:
        return None
    first, second = (part for part in found if part is not None)
    return math.nan if math.isnan(first) or math.isnan(second) else read(first, second)


def _extended(cell: object) -> float | None:
    """A number or minus infinity (the logarithm of 0); NaN for a missing cell."""
    if is_missing(cell):
        return math.nan
    found = number(cell)
    if found is not None:
        return found
    if (isinstance(cell, str) and cell.strip().lower() in ("-inf", "-infinity")) or cell == -math.inf:
        return -math.inf
    verdict = word_verdict(cell)
    return verdict if verdict is not None and math.isnan(verdict) else None


def _score(first: float, second: float) -> float | None:
    if math.isinf(first) or math.isinf(second):
        return None
    return 0.5 if first == second else float(first > second)


def _logprob(first: float, second: float) -> float | None:
    if math.isinf(first) and math.isinf(second):
        return None
    # The sigmoid of the difference, written so that neither side overflows.
    difference = first - second
    small = math.exp(-abs(difference))
    return 1 / (1 + small) if difference >= 0 else small / (1 + small)


def show_cell(cell: object) -> str:
    """A cell as the report names it; both of a pair."""
    return " / ".join(shown(part) for part in cell) if isinstance(cell, tuple) else shown(cell)
