"""A dataset as the checks read it: what several of them need is worked out once."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dissection.dataset import TEXT_COLUMNS, BoolArray, FloatArray, PairDataset
from dissection.doctor.finding import MOST_EXAMPLES, Example, excerpt


class View:
    """A dataset with its texts stripped and numbered, and its verdicts as signs."""

    def __init__(self, dataset: PairDataset) -> None:
        self.dataset = dataset
        self.n = len(dataset)

    @cached_property
    def texts(self) -> pd.DataFrame:
        """`query`, `response_a`, `response_b` without white space at either end; None where there is no text.

        Case and inner spacing stay as they are: to fold them takes seconds on large data.
        """
        columns = {name: [text.strip() if isinstance(text, str) else None for text in self.dataset.pairs[name]] for name in TEXT_COLUMNS}
        return pd.DataFrame(columns, dtype=object)

    @cached_property
    def codes(self) -> pd.DataFrame:
        """`query`, `a`, `b`: a number for each text, the same for the same text; -1 where there is none. Answers are numbered together."""
        query, _ = pd.factorize(self.texts["query"])
        answers, _ = pd.factorize(pd.concat([self.texts["response_a"], self.texts["response_b"]]))
        return pd.DataFrame({"query": query, "a": answers[: self.n], "b": answers[self.n :]})

    @cached_property
    def lengths(self) -> FloatArray:
        """(pairs × 2) characters of both answers, NaN where there is none."""
        sides = [[np.nan if text is None else len(text) for text in self.texts[f"response_{side}"]] for side in "ab"]
        return np.array(sides, dtype=np.float64).T.reshape(self.n, 2)

    @cached_property
    def known(self) -> BoolArray:
        """(pairs × judges) where there is a verdict."""
        return np.asarray(~np.isnan(self.dataset.labels))

    @cached_property
    def signs(self) -> FloatArray:
        """(pairs × judges) +1 for A, -1 for B, 0 for a tie, NaN where missing."""
        return np.asarray(np.sign(self.dataset.labels - 0.5))

    def pair_id(self, row: int) -> str:
        """The id of a row."""
        return str(self.dataset.pairs.index[row])

    def examples(self, rows: Sequence[int] | NDArray[np.intp], value: Callable[[int], str]) -> tuple[Example, ...]:
        """The first of some rows, each with what `value` says of it."""
        return tuple(Example(self.pair_id(int(row)), value(int(row))) for row in rows[:MOST_EXAMPLES])

    def query_excerpt(self, row: int) -> str:
        """The beginning of a pair's query."""
        return excerpt(self.texts["query"].iloc[row] or "")

    def judge_examples(
        self, concerned: BoolArray, value: Callable[[int], str], order: FloatArray | NDArray[np.intp]
    ) -> tuple[Example, ...]:
        """The judges that come first, each with the first pair on which it is concerned.

        Args:
            concerned: (pairs × judges).
            value: what to say of a judge, by its column.
            order: (judges,) the largest come first; judges without a concerned pair are left out.
        """
        columns = [int(column) for column in np.argsort(-order, kind="stable") if concerned[:, column].any()]
        return tuple(
            Example(
                self.pair_id(int(concerned[:, column].argmax())),
                f"{self.dataset.judge_names[column]}: {value(column)}",
                self.dataset.judge_names[column],
            )
            for column in columns[:MOST_EXAMPLES]
        )
