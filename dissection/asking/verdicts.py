"""A model's verdicts on pairs, in one or both orders: from the log-probabilities of two letters where they are offered, else from its words."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

import numpy as np

from dissection.asking.prompts import messages, version
from dissection.dataset import FloatArray, PairDataset
from dissection.endpoint.calls import Call
from dissection.endpoint.protocol import Answer, Letter
from dissection.endpoint.run import Outcome
from dissection.errors import DatasetError, InputError
from dissection.judges import check_name

Order = Literal["ab", "ba"]
Way = Literal["letter", "text"]

BOTH: Final[tuple[Order, ...]] = ("ab", "ba")
PROMPTS: Final[dict[Way, str]] = {"letter": "judge/verdict-letter-1", "text": "judge/verdict-text-1"}
MAX_TOKENS: Final[dict[Way, int]] = {"letter": 8, "text": 512}
_SIDES: Final = {"A": 1.0, "B": 0.0, "C": 0.5}
_BRACKETS: Final = re.compile(r"\[\[([ABC])\]\]")
_BARE: Final = re.compile(r"[\s\"'*(\[]*([ABC])[\s\"'*)\].:]*")
# What tokenisers write for a space, and what models put around a letter.
_AROUND: Final = " \t\n\r\u2581\u0120\u010a\"'*()[].:"


@dataclass(frozen=True)
class Instruction:
    """What a model is told to prefer; each makes a judge of its own.

    Attributes:
        name: behind the model's in the judge's name; empty: the model's own judgement, under its name alone.
        text: goes into the prompt.
    """

    name: str = ""
    text: str = "Judge by how well each of them serves the person who asked."


PLAIN: Final = Instruction()


def judge_name(model: str, instruction: Instruction = PLAIN, taken: tuple[str, ...] = ()) -> str:
    """A judge's name: the model, and behind a slash the instruction where it has a name.

    Raises:
        LabelError, TakenNameError: it can't be a name, or another judge has it.
    """
    return check_name(f"{model}/{instruction.name}" if instruction.name else model, taken)


def texts(dataset: PairDataset) -> list[tuple[str, str, str, str] | None]:
    """Id, query (may be empty), answer A and answer B of each pair, None where an answer has no text.

    Raises:
        DatasetError: no pair has both answers' texts.
    """
    columns = zip(*(dataset.texts(column) for column in ("query", "response_a", "response_b")), strict=True)
    found = [
        None if a is None or b is None else (str(pair_id), query or "", a, b)
        for pair_id, (query, a, b) in zip(dataset.pairs.index, columns, strict=True)
    ]
    if not any(found):
        raise DatasetError(
            "There are no answers to judge.", where=dataset.name, accepted="pairs with response_a and response_b", remedy="give the texts"
        )
    return found


def verdict_calls(
    dataset: PairDataset,
    instruction: Instruction = PLAIN,
    *,
    way: Way = "letter",
    orders: Sequence[Order] = BOTH,
    max_tokens: int | None = None,
) -> list[Call]:
    """What a judge is asked: for each pair with both texts, one call an order.

    Args:
        dataset: with texts.
        instruction: what the judge is told to prefer.
        way: "letter" for one letter, with log-probabilities where they are offered; "text" for a reason and then the verdict.
        orders: "ab" shows A first, "ba" shows B first.
        max_tokens: of an answer; None: 8 for a letter, 512 for a text. Models that think before they answer need more.
    """
    return pair_calls([found for found in texts(dataset) if found is not None], instruction, way=way, orders=orders, max_tokens=max_tokens)


def pair_calls(
    pairs: Sequence[tuple[str, str, str, str]],
    instruction: Instruction = PLAIN,
    *,
    way: Way = "letter",
    orders: Sequence[Order] = BOTH,
    max_tokens: int | None = None,
) -> list[Call]:
    """As `verdict_calls`, for pairs by id, query, answer A and answer B."""
    calls = []
    for pair_id, query, a, b in pairs:
        for order in orders:
            first, second = (a, b) if order == "ab" else (b, a)
            values = {"instruction": instruction.text, "query": query, "first": first, "second": second}
            calls.append(
                Call(
                    f"pair {pair_id}, {order}",
                    messages(PROMPTS[way], values),
                    version(PROMPTS[way]),
                    logprobs=way == "letter",
                    max_tokens=max_tokens or MAX_TOKENS[way],
                )
            )
    return calls


def read_text(text: str) -> float:
    """Which answer a reply names: 1.0 the first, 0.0 the second, 0.5 neither; NaN where it names none, or more than one.

    Known are [[A]], [[B]] and [[C]], a reply that is nothing but the letter, and a JSON object whose "verdict" is the letter. Letters
    inside other words count for nothing, so that a refusal is never a side.
    """
    found = set(_BRACKETS.findall(text))
    if found:
        return _SIDES[found.pop()] if len(found) == 1 else math.nan
    if bare := _BARE.fullmatch(text):
        return _SIDES[bare[1]]
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return math.nan
    verdict = value.get("verdict") if isinstance(value, dict) else None
    return _SIDES.get(verdict, math.nan) if isinstance(verdict, str) else math.nan


class Reading(NamedTuple):
    """P(the first answer is preferred), NaN where the reply is no verdict; and whether it comes from log-probabilities."""

    first: float
    soft: bool


def read_answer(answer: Answer) -> Reading:
    """What a reply says of the two answers.

    Where the reply names a side with the only one of its tokens that is a letter, and log-probabilities are known,
    P = exp(l_A) / (exp(l_A) + exp(l_B)), each the sum over the spellings of the letter among the likeliest tokens at its place; a letter
    that is not among them counts as 0.
    """
    side = read_text(answer.text)
    letters = [place for place in answer.top_logprobs if _letter(place[0]) is not None]
    # Of two letters, one may be no verdict: "A bit shorter: [[B]]".
    if len(letters) == 1 and side == _SIDES[letters[0][0].token.strip(_AROUND)]:
        return Reading(_share(letters[0], side), soft=True)
    return Reading(side, soft=False)


def _letter(token: Letter) -> str | None:
    bare = token.token.strip(_AROUND)
    return bare if bare in ("A", "B") else None


def _share(place: tuple[Letter, ...], side: float) -> float:
    # The first is the token itself, which most servers, but not all, repeat among the likeliest.
    likeliest = {token.token: token for token in reversed(place)}
    mass = {"A": 0.0, "B": 0.0}
    for token in likeliest.values():
        letter = _letter(token)
        if letter is not None and not math.isnan(token.logprob):
            mass[letter] += math.exp(min(token.logprob, 0.0))
    total = mass["A"] + mass["B"]
    return mass["A"] / total if total > 0 else side


@dataclass(frozen=True, eq=False)
class Verdicts:
    """A judge's verdicts on a dataset.

    Attributes:
        values: (pairs × 2), as in `PairDataset`: P(A preferred), NaN where missing; A shown first, B shown first.
        soft: how many come from log-probabilities.
        asked: how many calls there were.
        unread: labels of calls whose reply is no verdict.
        failed: labels of calls without a reply, and why.
    """

    values: FloatArray
    soft: int
    asked: int
    unread: tuple[str, ...]
    failed: tuple[tuple[str, str], ...]

    def sentence(self) -> str:
        """What came of the asking, in words."""
        got = int((~np.isnan(self.values)).sum())
        soft = f", {self.soft:,} of them from log-probabilities" if self.soft else ""
        return (
            f"{got:,} verdicts of {self.asked:,} asked{soft}; {len(self.unread):,} replies name no side; {len(self.failed):,} have no reply"
        )


def read_verdicts(dataset: PairDataset, outcomes: Sequence[Outcome], orders: Sequence[Order] = BOTH) -> Verdicts:
    """The verdicts that came of `verdict_calls`.

    Args:
        dataset: that was asked about.
        outcomes: of the calls, in their order.
        orders: as for `verdict_calls`.

    Raises:
        InputError: there are not as many outcomes as there were calls.
    """
    rows = [row for row, found in enumerate(texts(dataset)) if found is not None]
    places = [(row, BOTH.index(order)) for row in rows for order in orders]
    if len(places) != len(outcomes):
        raise InputError(f"{len(outcomes):,} outcomes came of {len(places):,} calls.", where=dataset.name, accepted="one for each call")
    values = np.full((len(dataset), 2), np.nan)
    soft, unread, failed = 0, [], []
    for (row, order), outcome in zip(places, outcomes, strict=True):
        if outcome.answer is None:
            failed.append((outcome.call.label, outcome.error.problem if outcome.error else ""))
            continue
        first, from_letters = read_answer(outcome.answer)
        if math.isnan(first):
            unread.append(outcome.call.label)
            continue
        soft += from_letters
        values[row, order] = first if order == 0 else 1 - first
    return Verdicts(values, soft, len(places), tuple(unread), tuple(failed))
