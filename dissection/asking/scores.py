"""A model's grades of single answers, 1 to 5 on an additive rubric, and what they say about pairs: the higher wins, equal is a tie."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from dissection.asking.prompts import messages, version
from dissection.asking.verdicts import PLAIN, Instruction, texts
from dissection.dataset import FloatArray, PairDataset
from dissection.endpoint.calls import Call
from dissection.endpoint.run import Outcome
from dissection.errors import DatasetError, InputError

PROMPT: Final = "judge/score-1"
SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {"reason": {"type": "string"}, "score": {"type": "integer", "minimum": 1, "maximum": 5}},
    "required": ["reason", "score"],
    "additionalProperties": False,
}
MAX_TOKENS: Final = 256
MAX_REPEATS: Final = 100
# Means of the same few whole numbers, taken in another order, differ in their last digits.
EQUAL: Final = 1e-9


@dataclass(frozen=True, eq=False)
class Grades:
    """A judge's grades of the answers of a dataset.

    Attributes:
        values: (pairs × 2) mean grade of A and B, 1 to 5; NaN where an answer has none.
        counts: (pairs × 2) how many grades each mean is of.
        asked: how many calls there were.
        failed: labels of calls without a grade, and why.
    """

    values: FloatArray
    counts: FloatArray
    asked: int
    failed: tuple[tuple[str, str], ...]

    @property
    def verdicts(self) -> FloatArray:
        """(pairs × 2), as in `PairDataset`: 1 where A's mean is higher, 0 where B's is, 0.5 where they are equal, in the first order."""
        difference = self.values[:, 0] - self.values[:, 1]
        side = np.where(np.abs(difference) < EQUAL, 0.5, (difference > 0).astype(float))
        return np.column_stack([np.where(np.isnan(difference), np.nan, side), np.full(len(difference), np.nan)])

    def sentence(self) -> str:
        """What came of the asking, in words."""
        side = self.verdicts[:, 0]
        given = int(self.counts.sum())
        ties, known = int((side == 0.5).sum()), int((~np.isnan(side)).sum())
        return f"{given:,} grades of {self.asked:,} asked; {known:,} pairs compared, {ties:,} of them equal; {len(self.failed):,} calls without a grade"


def score_calls(dataset: PairDataset, instruction: Instruction = PLAIN, *, repeats: int = 3) -> list[Call]:
    """What a grader is asked: for each pair with both texts, each of the two answers as often as `repeats` says.

    One grade is asked for at temperature 0; several at temperature 1, each with a seed of its own, so that their mean says more.

    Raises:
        InputError: as many repeats can't be made.
    """
    if not 1 <= repeats <= MAX_REPEATS:
        raise InputError(f"Each answer graded {repeats} times.", accepted=f"1 to {MAX_REPEATS}", remedy="choose a number in between")
    return [
        _call(f"pair {pair_id}, answer {side}, repeat {repeat + 1}", query, answer, instruction, repeat, repeats)
        for found in texts(dataset)
        if found is not None
        for pair_id, query, *answers in [found]
        for side, answer in zip("ab", answers, strict=True)
        for repeat in range(repeats)
    ]


def _call(label: str, query: str, answer: str, instruction: Instruction, repeat: int, repeats: int) -> Call:
    values = {"instruction": instruction.text, "query": query, "answer": answer}
    several = repeats > 1
    return Call(
        label,
        messages(PROMPT, values),
        version(PROMPT),
        schema=SCHEMA,
        max_tokens=MAX_TOKENS,
        temperature=1.0 if several else 0.0,
        seed=repeat if several else None,
        repeat=repeat,
    )


def read_scores(dataset: PairDataset, outcomes: Sequence[Outcome], *, repeats: int = 3) -> Grades:
    """The grades that came of `score_calls`.

    Args:
        dataset: that was asked about.
        outcomes: of the calls, in their order.
        repeats: as for `score_calls`.

    Raises:
        InputError: there are not as many outcomes as there were calls.
    """
    rows = [row for row, found in enumerate(texts(dataset)) if found is not None]
    if len(outcomes) != 2 * repeats * len(rows):
        raise InputError(
            f"{len(outcomes):,} outcomes came of {2 * repeats * len(rows):,} calls.", where=dataset.name, accepted="one for each call"
        )
    means, counts = means_of(grades_of(outcomes).reshape(len(rows), 2, repeats))
    values, numbers = np.full((len(dataset), 2), np.nan), np.zeros((len(dataset), 2))
    values[rows], numbers[rows] = means, counts
    failed = tuple((outcome.call.label, outcome.error.problem if outcome.error else "") for outcome in outcomes if outcome.answer is None)
    return Grades(values, numbers, len(outcomes), failed)


def grades_of(outcomes: Sequence[Outcome]) -> FloatArray:
    """The grade that each call was answered, NaN where there is none."""
    return np.array([np.nan if outcome.answer is None else float(outcome.answer.parsed["score"]) for outcome in outcomes])


def means_of(grades: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The mean over the last axis without NaN, NaN where there is nothing else, and how many it is of."""
    known = ~np.isnan(grades)
    counts = known.sum(axis=-1)
    total = np.where(known, grades, 0.0).sum(axis=-1)
    return np.divide(total, counts, out=np.full(counts.shape, np.nan), where=counts > 0), counts.astype(float)


def answer_calls(
    queries: Sequence[str], answers: Sequence[Sequence[str]], instruction: Instruction = PLAIN, *, repeats: int = 3
) -> list[Call]:
    """As `score_calls`, for any number of answers to each query: query by query, answer by answer, repeat by repeat."""
    return [
        _call(f"query {row + 1}, answer {place + 1}, repeat {repeat + 1}", query, answer, instruction, repeat, repeats)
        for row, (query, given) in enumerate(zip(queries, answers, strict=True))
        for place, answer in enumerate(given)
        for repeat in range(repeats)
    ]


def _best_and_worst(marks: Sequence[float]) -> tuple[int, int, bool] | None:
    """The places of the best and the worst graded answer, and whether they tie; None without two grades."""
    known = [place for place, mark in enumerate(marks) if not np.isnan(mark)]
    if len(known) < 2:
        return None
    ordered = sorted(known, key=lambda place: -marks[place])
    if abs(marks[ordered[0]] - marks[ordered[-1]]) < EQUAL:
        return known[0], known[1], True
    return ordered[0], ordered[-1], False


def best_against_worst(
    judge: str,
    queries: Sequence[str],
    answers: Sequence[Sequence[str]],
    grades: Sequence[Sequence[float]],
    seed: int = 0,
    models: Sequence[Sequence[str]] | None = None,
) -> PairDataset:
    """Pairs of the best and the worst graded of k answers to each query, as in self-rewarding training (arXiv 2401.10020).

    Answers without a grade take no part. Where all grades are equal, the first two answers make a tie. Sides are drawn, as A would
    otherwise always win.

    Args:
        judge: whose grades they are.
        queries: one each.
        answers: of each query, two or more.
        grades: of each answer, means of 1 to 5; NaN where it has none.
        seed: of the sides.
        models: who gave each answer; None: not known.

    Raises:
        DatasetError: no query has two graded answers.
    """
    from dissection.readers.native import read_records

    rng = np.random.default_rng(seed)
    records = []
    for row, (query, given, marks) in enumerate(zip(queries, answers, grades, strict=True)):
        swap = bool(rng.integers(2))
        ends = _best_and_worst(marks)
        if ends is None:
            continue
        best, worst, tie = ends
        a, b = (worst, best) if swap else (best, worst)
        records.append(
            {
                "pair_id": f"q{row + 1}",
                "query": query,
                "response_a": given[a],
                "response_b": given[b],
                **({} if models is None else {"model_a": models[row][a], "model_b": models[row][b]}),
                "labels": {judge: "tie" if tie else "b" if swap else "a"},
                "meta": {"grade_a": float(marks[a]), "grade_b": float(marks[b]), "answers": len(given)},
            }
        )
    if not records:
        raise DatasetError("No query has two graded answers.", accepted="two or more for at least one query", remedy="grade more answers")
    return read_records(records, "best against worst")
