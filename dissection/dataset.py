"""PairDataset: pairs of answers, their comparisons on properties, and judges' verdicts. Frozen, checked once where it is built."""

import dataclasses
import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from dissection.errors import DatasetError, UnknownNameError
from dissection.judges import Judge
from dissection.properties import Property

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
GroupKind = Literal["scenario", "condition", "all"]

TEXT_COLUMNS = ("query", "response_a", "response_b")
PART = 4_096
ALL_PAIRS = "All pairs"
CONDITION_LABELS = {
    "w_constraints": "Contains explicit constraints",
    "w_stances": "Shows subjective stances",
    "w_mistakes": "Contains mistakes or bias",
    "intent_unclear": "Unclear intent",
    "express_feeling": "Expresses feelings",
}


def group_label(name: str) -> str:
    """A group's name in words, for legends and menus."""
    return CONDITION_LABELS.get(name, name)


@dataclass(frozen=True)
class Group:
    """A set of pairs that is fitted on its own: a scenario (disjoint), a condition (overlapping), or all pairs."""

    name: str
    kind: GroupKind

    @property
    def label(self) -> str:
        """The name in words, for legends and menus."""
        return group_label(self.name)


@dataclass(frozen=True, eq=False)
class PairDataset:
    """Everything that is known of a set of pairs.

    Attributes:
        name: what the visitor calls it: a file's name, "Demo".
        pairs: one row a pair, indexed by the unique string `pair_id`; columns `scenario`, `query`, `response_a`, `response_b`,
            `model_a`, `model_b` (None where unknown) and `meta.*`. Large texts lie on disk, and their columns are Arrow's; read them
            by `texts` and `text`. Empty for published weights.
        properties: the columns of `comparisons`.
        comparisons: (pairs × properties). +1 means A has more of it than B; any finite float is allowed; NaN means not assessed.
        scores: (pairs × properties × 2), the scores of A and B that the comparisons came from; NaN where only a comparison is known.
        judges: the columns of `verdicts`.
        verdicts: (pairs × judges × 2), P(A preferred) in [0, 1], NaN where missing; [..., 0] when A was shown first (or the order is
            not known), [..., 1] when B was shown first. Both are in terms of A and B, not of first and second.
        conditions: condition name → (pairs,) membership.
        estimates: (groups × judges × properties) posterior means that came without pairs (published weights); None otherwise.
        estimate_groups: the first axis of `estimates`.
        notes: what the reader did that the user should know, one sentence each.
        simulated: True where judges are made up.

    Raises:
        DatasetError: shapes disagree, ids or names repeat, or a value is out of its range.
    """

    name: str
    pairs: pd.DataFrame
    properties: tuple[Property, ...]
    comparisons: FloatArray
    scores: FloatArray
    judges: tuple[Judge, ...]
    verdicts: FloatArray
    conditions: Mapping[str, BoolArray] = field(default_factory=dict)
    estimates: FloatArray | None = None
    estimate_groups: tuple[Group, ...] = ()
    notes: tuple[str, ...] = ()
    simulated: bool = False

    def __post_init__(self) -> None:
        _check(self)
        for array in (self.comparisons, self.scores, self.verdicts, self.estimates, *self.conditions.values()):
            if array is not None:
                array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.pairs)

    @property
    def has_pairs(self) -> bool:
        """False for published weights: point estimates without the pairs they came from."""
        return self.estimates is None

    @cached_property
    def has_texts(self) -> bool:
        """Whether any answer can be read."""
        return any(bool(self.pairs[name].notna().any()) for name in ("response_a", "response_b"))

    def texts(self, column: str) -> Iterator[str | None]:
        """The text of each pair in turn, None where there is none; large ones are read from disk part by part.

        Args:
            column: one of `TEXT_COLUMNS`.
        """
        for start in range(0, len(self.pairs), PART):
            for text in self.pairs[column].iloc[start : start + PART].tolist():
                yield text if isinstance(text, str) else None

    def text(self, row: int, column: str) -> str | None:
        """The text of one pair, None where there is none."""
        found = self.pairs[column].iloc[row]
        return found if isinstance(found, str) else None

    @property
    def judge_names(self) -> tuple[str, ...]:
        return tuple(judge.name for judge in self.judges)

    @property
    def own_judges(self) -> tuple[str, ...]:
        """The names of judges that a visitor brought."""
        return tuple(judge.name for judge in self.judges if judge.origin == "upload")

    @property
    def property_names(self) -> tuple[str, ...]:
        return tuple(property_.name for property_ in self.properties)

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Scenarios in the order of their first pair, then conditions."""
        if self.estimates is not None:
            return self.estimate_groups
        scenarios = tuple(Group(str(name), "scenario") for name in self.pairs["scenario"].unique())
        return (*scenarios, *(Group(name, "condition") for name in self.conditions))

    @property
    def scenarios(self) -> tuple[Group, ...]:
        return tuple(group for group in self.groups if group.kind == "scenario")

    @cached_property
    def selectable_groups(self) -> tuple[Group, ...]:
        """The groups, after all pairs together where that is something else than the only scenario."""
        if not self.has_pairs or len(self.scenarios) < 2:
            return self.groups
        return (Group(ALL_PAIRS, "all"), *self.groups)

    def group(self, name: str) -> Group:
        """The group of this name.

        Raises:
            UnknownNameError: there is none; the message lists those there are.
        """
        for group in self.selectable_groups:
            if group.name == name:
                return group
        raise UnknownNameError(
            f"There is no scenario or condition named {name!r}.",
            where=self.name,
            accepted=", ".join(group.name for group in self.selectable_groups),
        )

    def judge_index(self, name: str) -> int:
        """The column of a judge in `verdicts`.

        Raises:
            UnknownNameError: there is no such judge; the message lists those there are.
        """
        if name in self.judge_names:
            return self.judge_names.index(name)
        shown = ", ".join(self.judge_names[:40]) + (" …" if len(self.judges) > 40 else "")
        raise UnknownNameError(f"There is no judge named {name!r}.", where=self.name, accepted=shown or "none: the data has no judge")

    def members(self, group: Group) -> BoolArray:
        """(pairs,) which pairs are in the group."""
        if group.kind == "all":
            return np.ones(len(self), dtype=bool)
        if group.kind == "condition":
            return self.conditions[group.name]
        return (self.pairs["scenario"] == group.name).to_numpy(dtype=bool)

    @cached_property
    def assessed(self) -> BoolArray:
        """(pairs,) True where every property was compared; other pairs are left out of fits, as the paper did."""
        return np.asarray(~np.isnan(self.comparisons).any(axis=1))

    @cached_property
    def labels(self) -> FloatArray:
        """(pairs × judges) soft verdicts: the mean of both orders where both were asked (so 0.5 where they disagree)."""
        answered = ~np.isnan(self.verdicts)
        total = np.where(answered, self.verdicts, 0.0).sum(axis=2)
        count = answered.sum(axis=2)
        return np.asarray(np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0))

    @cached_property
    def content_hash(self) -> str:
        """SHA-256 over everything that can change a result or what is shown."""
        digest = hashlib.sha256()
        digest.update(repr((self.name, self.properties, self.judges, self.estimate_groups, self.notes, list(self.conditions))).encode())
        arrays = (self.comparisons, self.scores, self.verdicts, *self.conditions.values())
        for array in (*arrays, self.estimates) if self.estimates is not None else arrays:
            digest.update(repr(array.shape).encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        digest.update(repr(tuple(self.pairs.columns)).encode())
        if len(self.pairs):
            for start in range(0, len(self.pairs), PART):
                # As Python writes them, since half a character in a text or an id has no bytes of its own.
                part = self.pairs.iloc[start : start + PART].astype(object)
                written = part.where(part.notna(), None).map(repr).set_axis(part.index.map(repr))
                digest.update(pd.util.hash_pandas_object(written, categorize=False).to_numpy().tobytes())
        return digest.hexdigest()

    @cached_property
    def memory_bytes(self) -> int:
        """The memory that it takes; texts that lie on disk are not counted."""
        arrays = (self.comparisons, self.scores, self.verdicts, *self.conditions.values())
        return int(sum(array.nbytes for array in arrays) + self.pairs.memory_usage(index=True, deep=True).sum())

    def with_judge(self, judge: Judge, verdicts: FloatArray) -> "PairDataset":
        """This dataset and one judge more.

        Args:
            judge: its name must be new.
            verdicts: (pairs × 2), as in `verdicts`.

        Raises:
            DatasetError: the name is taken or the verdicts don't fit.
        """
        if verdicts.shape != (len(self), 2):
            raise DatasetError(f"The verdicts of {judge.name!r} have shape {verdicts.shape}.", accepted=f"({len(self)}, 2)")
        return dataclasses.replace(
            self,
            judges=(*self.judges, judge),
            verdicts=np.concatenate([self.verdicts, verdicts[:, None, :]], axis=1),
        )

    def without_judges(self, names: set[str]) -> "PairDataset":
        """This dataset less some judges."""
        keep = [i for i, name in enumerate(self.judge_names) if name not in names]
        return dataclasses.replace(self, judges=tuple(self.judges[i] for i in keep), verdicts=self.verdicts[:, keep])


def _check(dataset: PairDataset) -> None:
    n, d, judges = len(dataset.pairs), len(dataset.properties), len(dataset.judges)
    shapes = {
        "comparisons": (dataset.comparisons.shape, (n, d)),
        "scores": (dataset.scores.shape, (n, d, 2)),
        "verdicts": (dataset.verdicts.shape, (n, judges, 2)),
        **{f"condition {name}": (mask.shape, (n,)) for name, mask in dataset.conditions.items()},
    }
    if dataset.estimates is not None:
        shapes["estimates"] = (dataset.estimates.shape, (len(dataset.estimate_groups), judges, d))
    for what, (found, expected) in shapes.items():
        if found != expected:
            raise DatasetError(f"{what} has shape {found}.", where=dataset.name, accepted=f"{expected}")
    _check_unique(dataset)
    if np.isinf(dataset.comparisons).any():
        row, column = (int(i) for i in np.argwhere(np.isinf(dataset.comparisons))[0])
        raise DatasetError(
            f"The comparison on {dataset.properties[column].name!r} is infinite.",
            where=f"pair {dataset.pairs.index[row]}",
            accepted="a finite number; +1 means A has more of it",
        )
    outside = (dataset.verdicts < 0) | (dataset.verdicts > 1)
    if outside.any():
        row, column, _ = (int(i) for i in np.argwhere(outside)[0])
        raise DatasetError(
            f"A verdict of {dataset.judges[column].name!r} is outside [0, 1].",
            where=f"pair {dataset.pairs.index[row]}",
            accepted="the probability that A is preferred, from 0 to 1",
        )


def _check_unique(dataset: PairDataset) -> None:
    repeated = dataset.pairs.index[dataset.pairs.index.duplicated()]
    if len(repeated):
        raise DatasetError(
            f"{len(repeated)} pair ids come more than once, the first is {repeated[0]!r}.",
            where=dataset.name,
            accepted="each pair_id once",
            remedy="give every pair its own id",
        )
    for what, names in (("judge", dataset.judge_names), ("property", dataset.property_names)):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise DatasetError(f"The {what} {twice[0]!r} comes more than once.", where=dataset.name, accepted=f"each {what} once")
