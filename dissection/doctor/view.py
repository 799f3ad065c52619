"""A dataset as the checks read it: what several of them need is worked out once."""

from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dissection.dataset import TEXT_COLUMNS, BoolArray, FloatArray, Group, PairDataset
from dissection.doctor.finding import MOST_EXAMPLES, Example, excerpt


class View:
    """A dataset with its texts stripped and numbered, and its verdicts as signs."""

    def __init__(self, dataset: PairDataset) -> None:
        self.dataset = dataset
        self.n = len(dataset)

    @cached_property
    def _measured(self) -> dict[str, tuple[NDArray[np.int64], FloatArray]]:
        """Of each text without white space at either end: a hash, and its characters (NaN where there is no text).

        Hashes, as all texts need not fit into memory. Case and inner spacing stay as they are: to fold them takes seconds on large data.
        """
        found = {}
        for name in TEXT_COLUMNS:
            hashes, lengths = np.zeros(self.n, dtype=np.int64), np.full(self.n, np.nan)
            for row, text in enumerate(self.dataset.texts(name)):
                if text is not None:
                    stripped = text.strip()
                    hashes[row], lengths[row] = hash(stripped), len(stripped)
            found[name] = (hashes, lengths)
        return found

    @cached_property
    def codes(self) -> pd.DataFrame:
        """`query`, `a`, `b`: a number for each text, the same for the same text; -1 where there is none. Answers are numbered together."""
        hashes = {name: hashed for name, (hashed, _) in self._measured.items()}
        query, _ = pd.factorize(hashes["query"])
        answers, _ = pd.factorize(np.concatenate([hashes["response_a"], hashes["response_b"]]))
        codes = np.column_stack([query, answers[: self.n], answers[self.n :]])
        codes[self.absent] = -1
        return pd.DataFrame(codes, columns=["query", "a", "b"])

    @cached_property
    def absent(self) -> BoolArray:
        """(pairs × 3) where there is no query, answer A, answer B."""
        return np.column_stack([np.isnan(lengths) for _, lengths in self._measured.values()])

    @cached_property
    def lengths(self) -> FloatArray:
        """(pairs × 2) characters of both answers, NaN where there is none."""
        return np.column_stack([self._measured[f"response_{side}"][1] for side in "ab"])

    @cached_property
    def known(self) -> BoolArray:
        """(pairs × judges) where there is a verdict."""
        return np.asarray(~np.isnan(self.dataset.labels))

    @cached_property
    def signs(self) -> FloatArray:
        """(pairs × judges) +1 for A, -1 for B, 0 for a tie, NaN where missing."""
        return np.asarray(np.sign(self.dataset.labels - 0.5))

    @cached_property
    def groups(self) -> list[tuple[Group, int, int]]:
        """Each group with its number of pairs and the row of its first (-1 where it has none)."""
        codes, _ = pd.factorize(
            self.dataset.pairs["scenario"], use_na_sentinel=False
        )  # in the order of their first rows, as the dataset's groups are
        _, first, sizes = np.unique(codes, return_index=True, return_counts=True)
        found = [(group, int(n), int(row)) for group, n, row in zip(self.dataset.scenarios, sizes, first, strict=True)]
        for name, mask in self.dataset.conditions.items():
            found.append((Group(name, "condition"), int(mask.sum()), int(mask.argmax()) if mask.any() else -1))
        return found

    def pair_id(self, row: int) -> str:
        """The id of a row."""
        return str(self.dataset.pairs.index[row])

    def examples(self, rows: Sequence[int] | NDArray[np.intp], value: Callable[[int], str]) -> tuple[Example, ...]:
        """The first of some rows, each with what `value` says of it."""
        return tuple(Example(self.pair_id(int(row)), value(int(row))) for row in rows[:MOST_EXAMPLES])

    def query_excerpt(self, row: int) -> str:
        """The beginning of a pair's query."""
        return excerpt((self.dataset.text(row, "query") or "").strip())

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
