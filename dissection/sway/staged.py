"""Put to the test here: one model answers the same queries with and without a system prompt, and a judge compares the answers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dissection.asking.creating import Author, Created, Creation
from dissection.dataset import PairDataset
from dissection.errors import DatasetError
from dissection.judges import check_name
from dissection.sway.results import Results
from dissection.sway.shift import Shift, observed_shift

ASKED = "asked"


@dataclass(frozen=True, eq=False)
class Trial:
    """What came of it.

    Attributes:
        judge: that was asked.
        shift: of the win rate against the answers without the prompt, from the 50 % that equal answers have.
        missing: queries without two answers or without a verdict.
    """

    judge: str
    shift: Shift
    missing: int


def trial_plan(
    queries: Sequence[str], model: str, judge: str, prompt: str, *, max_tokens: int = 1024, temperature: float = 1.0
) -> Creation:
    """What is asked: two answers to each query, without and with the prompt, and the judge's verdict in both orders.

    Args:
        queries: not empty.
        model: that answers.
        judge: that compares; at the same endpoint.
        prompt: of `system_prompt`.
        max_tokens: of an answer.
        temperature: of an answer.

    Raises:
        InputError: a name or number that can't be used.
    """
    authors = (Author(model, "", check_name(model)), Author(model, prompt.strip(), check_name(f"{model}/{ASKED}")))
    return Creation(tuple(queries), authors, 1, judge, verdicts=True, max_tokens=max_tokens, temperature=temperature)


def trial_of(creation: Creation, created: Created, seed: int = 0) -> Trial:
    """How the judge took the prompted answers.

    Args:
        creation: of `trial_plan`.
        created: what came of it.
        seed: of the resamples.

    Raises:
        DatasetError: there is no pair with a verdict.
    """
    dataset = created.dataset
    if dataset is None or not created.found:
        raise DatasetError(
            "The judge gave no verdict on two answers.",
            where=creation.judge,
            remedy=f"go on with the run ({created.why})" if created.why else "",
        )
    judge = next(iter(created.found))
    won = _won(dataset, judge, creation.authors[1].name)
    if not won:
        raise DatasetError("The judge gave no verdict on two answers.", where=judge, remedy="see why the calls failed")
    queries = {item: item for item in won}
    even = Results("equal answers", "verdicts", "", dict.fromkeys(won, 50.0), queries, "", ())
    found = Results("with the prompt", "verdicts", "", won, queries, creation.authors[1].name, ())
    return Trial(judge, observed_shift(even, found, seed), len(creation.queries) - len(won))


def _won(dataset: PairDataset, judge: str, name: str) -> dict[str, float]:
    """Pair → how far the answer of this author won, in per cent."""
    labels = dataset.labels[:, dataset.judge_index(judge)]
    second = (dataset.pairs["model_b"] == name).to_numpy(dtype=bool)
    values = 100 * np.where(second, 1 - labels, labels)
    return {str(item): float(value) for item, value in zip(dataset.pairs.index, values, strict=True) if not np.isnan(value)}
