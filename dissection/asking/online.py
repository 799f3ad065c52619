"""From queries alone: answers of one or two models, judged, as a new dataset; win rates; and pairs for preference training."""

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, NamedTuple

import numpy as np

from dissection.agreement import wilson
from dissection.asking.prompts import messages, version
from dissection.asking.scores import EQUAL
from dissection.dataset import FloatArray, PairDataset
from dissection.endpoint.calls import Call
from dissection.endpoint.run import Outcome
from dissection.errors import DatasetError, InputError
from dissection.wording import count

PROMPT: Final = "judge/answer-1"
DRAWS: Final = 4_000
AT_ONCE: Final = 2**20  # numbers drawn


def answer_calls(
    queries: Sequence[str], *, repeat: int = 0, instruction: str = "", max_tokens: int = 1024, temperature: float = 1.0
) -> list[Call]:
    """One answer to each query.

    Args:
        queries: not empty.
        repeat: 0 for a model's first answers, 1 for its second ones.
        instruction: the system's message; empty: none.
        max_tokens: of an answer.
        temperature: above 0, or a model's two answers are the same.
    """
    blank = [row + 1 for row, query in enumerate(queries) if not query.strip()]
    if blank or not queries:
        raise InputError(
            "A query is empty." if blank else "There are no queries.", where=f"query {blank[0]}" if blank else "", accepted="texts"
        )
    return [
        Call(
            f"query {row + 1}, answer {repeat + 1}",
            messages(PROMPT, {"instruction": instruction, "query": query}),
            version(PROMPT),
            max_tokens=max_tokens,
            temperature=temperature,
            seed=repeat,
            repeat=repeat,
        )
        for row, query in enumerate(queries)
    ]


def pair_up(
    queries: Sequence[str], models: tuple[str, str], first: Sequence[Outcome], second: Sequence[Outcome], seed: int = 0
) -> PairDataset:
    """A dataset of two answers to each query, with the sides drawn.

    Args:
        queries: that were answered.
        models: who gave the first and the second answers; twice the same where one gave both.
        first: outcomes of `answer_calls`, in the order of the queries.
        second: the same of the other answers.
        seed: of the sides.

    Raises:
        DatasetError: no query has two answers.
    """
    from dissection.readers.native import read_records

    rng = np.random.default_rng(seed)
    records = []
    for row, (query, *given) in enumerate(zip(queries, first, second, strict=True)):
        swap = bool(rng.integers(2))  # drawn for every query, so that one that fails does not turn the others
        one, two = (outcome.answer for outcome in given)
        if one is None or two is None:
            continue
        sides = [(two.text, models[1]), (one.text, models[0])] if swap else [(one.text, models[0]), (two.text, models[1])]
        records.append(
            {
                "pair_id": f"q{row + 1}",
                "query": query,
                **{f"response_{side}": text for side, (text, _) in zip("ab", sides, strict=True)},
                **{f"model_{side}": model for side, (_, model) in zip("ab", sides, strict=True)},
            }
        )
    if not records:
        raise DatasetError("No query has two answers.", where=" and ".join(models), remedy="see why the calls failed")
    return read_records(records, " against ".join(dict.fromkeys(models)))


@dataclass(frozen=True)
class WinRate:
    """How often a judge prefers one model's answers to the other's.

    Attributes:
        model, other: who against whom.
        rate: mean P(preferred), a tie counting half; NaN where n is 0.
        low, high: 95 %: Wilson's interval where every verdict is a side, else a bootstrap over pairs; NaN where there is none: of equal
            soft verdicts every resample has the same mean, which says nothing about other pairs.
        n: pairs with a verdict.
        interval: "Wilson", "bootstrap", or why there is none.
    """

    model: str
    other: str
    rate: float
    low: float
    high: float
    n: int
    interval: str

    def words(self) -> str:
        """The rate with its interval and number of pairs: "61.0 % (95 %: 51.0–70.0; n = 100 pairs)"."""
        if not self.n:
            return "no verdict"
        ends = (
            f"no interval: {self.interval.removeprefix('none: ')}"
            if math.isnan(self.low)
            else f"95 %: {100 * self.low:.1f}–{100 * self.high:.1f}"
        )
        return f"{100 * self.rate:.1f} % ({ends}; n = {count(self.n, 'pair')})"

    def turned(self) -> "WinRate":
        """The same of the other model."""
        return replace(self, model=self.other, other=self.model, rate=1 - self.rate, low=1 - self.high, high=1 - self.low)


def win_rates(dataset: PairDataset, judge: str, seed: int = 0) -> list[WinRate]:
    """The win rate of each model against each other one, over the pairs of the two that the judge has a verdict on.

    Raises:
        UnknownNameError: there is no such judge.
        DatasetError: no pair says which models it is of.
    """
    labels = dataset.labels[:, dataset.judge_index(judge)]
    met: dict[tuple[str, str], list[float]] = {}
    for a, b, label in zip(dataset.pairs["model_a"], dataset.pairs["model_b"], labels.tolist(), strict=True):
        if isinstance(a, str) and isinstance(b, str) and a != b:
            met.setdefault((min(a, b), max(a, b)), []).append(label if a < b else 1 - label)
    if not met:
        raise DatasetError(
            "No pair is of two different models.", where=dataset.name, accepted="model_a and model_b", remedy="name the models"
        )
    rates = [_rate(*pair, np.array(wins), seed) for pair, wins in met.items()]
    return sorted([*rates, *(rate.turned() for rate in rates)], key=lambda rate: (rate.model, rate.other))


def _rate(model: str, other: str, wins: FloatArray, seed: int) -> WinRate:
    known = wins[~np.isnan(wins)]
    n = len(known)
    if n == 0:
        return WinRate(model, other, math.nan, math.nan, math.nan, 0, "none: no verdict")
    rate = float(known.mean())
    if np.isin(known, (0.0, 1.0)).all():
        low, high = (float(end) for end in wilson(rate, n))
        return WinRate(model, other, rate, low, high, n, "Wilson")
    if np.ptp(known) < EQUAL:
        return WinRate(model, other, rate, math.nan, math.nan, n, "none: one verdict" if n == 1 else "none: all verdicts are equal")
    rng = np.random.default_rng(seed)
    step = max(1, AT_ONCE // n)
    means = np.concatenate([rng.choice(known, (min(step, DRAWS - done), n)).mean(axis=1) for done in range(0, DRAWS, step)])
    low, high = (float(end) for end in np.quantile(means, (0.025, 0.975)))
    return WinRate(model, other, rate, low, high, n, "bootstrap")


class Export(NamedTuple):
    """Lines for preference training, and what was left out of them: ties, and pairs without a verdict or a text."""

    lines: bytes
    written: int
    ties: int
    missing: int


def chosen_rejected(dataset: PairDataset, judge: str) -> Export:
    """{"prompt", "chosen", "rejected", "margin"} a line, as trainers of direct preference optimisation read them (arXiv 2305.18290).

    The margin is P(chosen preferred) − P(rejected preferred), over 0 up to 1.

    Raises:
        UnknownNameError: there is no such judge.
    """
    labels = dataset.labels[:, dataset.judge_index(judge)].tolist()
    ties = missing = 0
    lines = []
    for record, label in zip(_records(dataset), labels, strict=True):
        if math.isnan(label) or record is None:
            missing += 1
        elif label == 0.5:
            ties += 1
        else:
            sides = ("a", "b") if label > 0.5 else ("b", "a")
            row = {
                "prompt": record["query"],
                "chosen": record[sides[0]],
                "rejected": record[sides[1]],
                "margin": round(abs(2 * label - 1), 6),
            }
            lines.append(json.dumps(row) + "\n")
    return Export("".join(lines).encode(), len(lines), ties, missing)


def _records(dataset: PairDataset) -> Iterator[Mapping[str, Any] | None]:
    for query, a, b in zip(*(dataset.texts(column) for column in ("query", "response_a", "response_b")), strict=True):
        yield None if query is None or a is None or b is None else {"query": query, "a": a, "b": b}
